"""A small AWS that owes nothing to our simulator: Python's standard library only.

It knows no more than AWS's documentation says of the few calls that the agent makes: the answers are
written after the examples of the EC2 API Reference (version 2016-11-15), the user guide's page on
IMDSv2 and the API Reference of CloudWatch. Each service listens on a port of its own, so that each
endpoint variable has to be honoured. What it receives it prints, a line of JSON for each request.
"""

import base64
import hashlib
import json
import re
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

ACCOUNT, REGION, ZONE = "123456789012", "ap-southeast-2", "ap-southeast-2b"
INSTANCE, ROLE = "i-1234567890abcdef0", "backup-role"
KEY, TOKEN = "ASIAIOSFODNN7EXAMPLE", "IQoJb3JpZ2luX2VjEXAMPLE=="
VOLUMES = {"vol-1234567890abcdef0": "/dev/sda1", "vol-049df61146c4d7901": "/dev/sdh"}
PAGE = 2
snapshots, sessions, guard = {}, set(), threading.Lock()


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def items(name, entries):
    return f"<{name}>{''.join(f'<item>{entry}</item>' for entry in entries)}</{name}>"


def tags_xml(tags):
    pairs = (f"<key>{escape(k)}</key><value>{escape(v)}</value>" for k, v in tags.items())
    return items("tagSet", pairs)


def describe_instances(form):
    if form.get("InstanceId.1") != INSTANCE:
        raise LookupError("InvalidInstanceID.NotFound")
    instance = (
        f"<instanceId>{INSTANCE}</instanceId><imageId>ami-bff32ccc</imageId>"
        "<instanceState><code>16</code><name>running</name></instanceState><privateDnsName/>"
        "<instanceType>t2.micro</instanceType><launchTime>2018-05-08T16:46:19.000Z</launchTime>"
        f"<placement><availabilityZone>{ZONE}</availabilityZone><tenancy>default</tenancy></placement>"
        "<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>"
        "<rootDeviceName>/dev/sda1</rootDeviceName>"
    ) + tags_xml({"Name": "Server <1> & more", "Backup": "yes"})
    reservation = (
        f"<reservationId>r-1234567890abcdef0</reservationId><ownerId>{ACCOUNT}</ownerId><groupSet/>"
        + items("instancesSet", [instance])
    )
    return items("reservationSet", [reservation])


def describe_volumes(form):
    wanted = form.get("Filter.1.Name") == "attachment.instance-id" and form.get("Filter.1.Value.1")
    found = VOLUMES if wanted == INSTANCE else {}
    return items("volumeSet", (
        f"<volumeId>{volume}</volumeId><size>80</size><snapshotId/>"
        f"<availabilityZone>{ZONE}</availabilityZone><status>in-use</status>"
        "<createTime>2018-05-08T16:46:19.000Z</createTime>" + items("attachmentSet", [
            f"<volumeId>{volume}</volumeId><instanceId>{INSTANCE}</instanceId><device>{device}</device>"
            "<status>attached</status><attachTime>2018-05-08T16:46:19.000Z</attachTime>"
            "<deleteOnTermination>false</deleteOnTermination>"
        ]) + "<volumeType>standard</volumeType><encrypted>true</encrypted>"
        "<multiAttachEnabled>false</multiAttachEnabled>" for volume, device in found.items()
    ))


def snapshot_xml(one, status, progress):
    return (
        f"<snapshotId>{one['id']}</snapshotId><volumeId>{one['volume']}</volumeId>"
        f"<{status[0]}>{status[1]}</{status[0]}><startTime>{stamp(one['start'])}</startTime>"
        f"<progress>{progress}</progress><ownerId>{ACCOUNT}</ownerId><volumeSize>80</volumeSize>"
        f"<description>{escape(one['description'])}</description><encrypted>true</encrypted>"
        + tags_xml(one["tags"])
    )


def create_snapshots(form):
    if form.get("InstanceSpecification.InstanceId") != INSTANCE:
        raise LookupError("InvalidInstanceID.NotFound")
    tags, number = {}, 1
    while (key := form.get(f"TagSpecification.1.Tag.{number}.Key")) is not None:
        tags[key] = form.get(f"TagSpecification.1.Tag.{number}.Value", "")
        number += 1
    start, made = datetime.now(timezone.utc), []
    for volume in VOLUMES:
        id = "snap-0" + hashlib.sha1(f"{volume}{len(snapshots)}".encode()).hexdigest()[:16]
        snapshots[id] = dict(id=id, volume=volume, start=start, tags=tags,
                             description=form.get("Description", ""))
        made.append(snapshot_xml(snapshots[id], ("state", "pending"), ""))
    return items("snapshotSet", made)


def describe_snapshots(form):
    name, value = form.get("Filter.1.Name", ""), form.get("Filter.1.Value.1")
    if form.get("Owner.1") != "self" or not name.startswith("tag:"):
        raise LookupError("InvalidParameterValue")
    found = [one for one in snapshots.values() if one["tags"].get(name[4:]) == value]
    begin = int(form.get("NextToken", "0"))
    rest = found[begin + PAGE:]
    token = f"<nextToken>{begin + PAGE}</nextToken>" if rest else ""
    page = found[begin:begin + PAGE]
    return items("snapshotSet", (snapshot_xml(one, ("status", "completed"), "100%") for one in page)) + token


def describe_images(form):
    return "<imagesSet/>"


def delete_snapshot(form):
    if snapshots.pop(form.get("SnapshotId"), None) is None:
        raise LookupError("InvalidSnapshot.NotFound")
    return "<return>true</return>"


ACTIONS = dict(DescribeInstances=describe_instances, DescribeVolumes=describe_volumes,
               CreateSnapshots=create_snapshots, DescribeSnapshots=describe_snapshots,
               DescribeImages=describe_images, DeleteSnapshot=delete_snapshot)


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="text/xml;charset=UTF-8"):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self, service, action, **more):
        line = dict(service=service, action=action, userAgent=self.headers.get("User-Agent", ""), **more)
        with guard:
            print(json.dumps(line), flush=True)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def signed_for(self, service):
        scope = rf"^AWS4-HMAC-SHA256 Credential={KEY}/\d{{8}}/{REGION}/{service}/aws4_request, SignedHeaders="
        signed = re.match(scope, self.headers.get("Authorization", ""))
        return signed is not None and self.headers.get("X-Amz-Security-Token") == TOKEN


class Ec2(Service):
    def do_POST(self):
        form = {key: values[0] for key, values in parse_qs(self.body().decode(), True).items()}
        action = form.get("Action", "")
        self.note("ec2", action, signed=self.signed_for("ec2"), parameters=form)
        id = "59dbff89-35bd-4eac-99ed-be587EXAMPLE"
        try:
            with guard:
                result = ACTIONS[action](form)
            self.answer(200, f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response '
                        f'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>{id}</requestId>'
                        f"{result}</{action}Response>")
        except LookupError as error:
            code = error.args[0]
            self.answer(400, f"<Response><Errors><Error><Code>{code}</Code><Message>No.</Message></Error>"
                        f"</Errors><RequestID>{id}</RequestID></Response>")


class CloudWatch(Service):
    def do_POST(self):
        target = self.headers.get("X-Amz-Target", "").split(".")[-1]
        metrics = json.loads(self.body() or "{}")
        self.note("cloudwatch", target, signed=self.signed_for("monitoring"), parameters=metrics)
        self.answer(200, "{}", "application/x-amz-json-1.0")


class Metadata(Service):
    def do_PUT(self):
        self.body()
        self.note("imds", self.path)
        if "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
            return self.answer(400, "Bad Request", "text/plain")
        session = base64.b64encode(hashlib.sha256(str(time.time_ns()).encode()).digest()).decode()
        sessions.add(session)
        self.answer(200, session, "text/plain")

    def do_GET(self):
        self.note("imds", self.path)
        if self.headers.get("X-aws-ec2-metadata-token") not in sessions:
            return self.answer(401, "Unauthorized", "text/plain")
        now = datetime.now(timezone.utc)
        known = {
            "dynamic/instance-identity/document": json.dumps(dict(
                accountId=ACCOUNT, architecture="x86_64", availabilityZone=ZONE, imageId="ami-5fb8c835",
                instanceId=INSTANCE, instanceType="t2.micro", pendingTime="2016-11-19T16:32:11Z",
                privateIp="10.158.112.84", region=REGION, version="2017-09-30")),
            "meta-data/services/partition": "aws",
            "meta-data/block-device-mapping/": "ami\nephemeral0\nroot",
            "meta-data/block-device-mapping/ephemeral0": "sdb",
            "meta-data/iam/security-credentials/": ROLE,
            f"meta-data/iam/security-credentials/{ROLE}": json.dumps(dict(
                Code="Success", LastUpdated=stamp(now), Type="AWS-HMAC", AccessKeyId=KEY,
                SecretAccessKey="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Token=TOKEN,
                Expiration=stamp(now + timedelta(hours=6)))),
        }
        found = known.get(self.path.removeprefix("/latest/"))
        self.answer(404 if found is None else 200, found or "Not Found", "text/plain")


if __name__ == "__main__":
    urls = {}
    for variable, handler in (("AWS_ENDPOINT_URL_EC2", Ec2), ("AWS_ENDPOINT_URL_CLOUDWATCH", CloudWatch),
                              ("AWS_EC2_METADATA_SERVICE_ENDPOINT", Metadata)):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls[variable] = f"http://127.0.0.1:{server.server_port}"
    print(json.dumps(urls), flush=True)
    sys.stdin.read()
