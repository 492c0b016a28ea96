"""Freezes filesystems, has snapshots made and thaws: the baselines of the freeze window.

floor: one request, signed beforehand, on an open connection between the two ioctls, the mounts side by side.
boto3: one CreateSnapshots by a warm client. per-volume: one CreateSnapshot for each volume, one after the
other, by a warm client. These two freeze and thaw one mount after the other, as a script does.
"""

import fcntl
import http.client
import os
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
mode, instance, volumes, mounts = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4:]
endpoint = os.environ.get("AWS_ENDPOINT_URL_EC2") or os.environ["AWS_ENDPOINT_URL"]
region = os.environ["AWS_REGION"]
ec2 = boto3.client("ec2", region_name=region, endpoint_url=endpoint)
ec2.describe_volumes(VolumeIds=volumes[:1])
held = [os.open(mount, os.O_RDONLY) for mount in mounts]


def raw_request():
    url = urllib.parse.urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.netloc)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def send(action, **parameters):
        body = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters})
        request = AWSRequest("POST", endpoint + "/", data=body, headers=form)
        SigV4Auth(boto3.Session().get_credentials(), "ec2", region).add_auth(request)
        headers = dict(request.headers)

        def go():
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text

        return go

    send("DescribeVolumes", **{"VolumeId.1": volumes[0]})()
    return send("CreateSnapshots", **{"InstanceSpecification.InstanceId": instance})


if mode == "floor":
    work = raw_request()
elif mode == "boto3":

    def work():
        ec2.create_snapshots(InstanceSpecification={"InstanceId": instance})

else:

    def work():
        for volume in volumes:
            ec2.create_snapshot(VolumeId=volume)


def freeze(file):
    fcntl.ioctl(file, FIFREEZE, 0)


def thaw(file):
    try:
        fcntl.ioctl(file, FITHAW, 0)
    except OSError:
        pass


pool = ThreadPoolExecutor(len(held))
# Its threads are there before anything is frozen.
list(pool.map(os.fstat, held * 4))
for mount in mounts:
    os.system(f"sync -f {mount}")
try:
    if mode == "floor":
        list(pool.map(freeze, held))
    else:
        for file in held:
            freeze(file)
    work()
finally:
    if mode == "floor":
        list(pool.map(thaw, held))
    else:
        for file in reversed(held):
            thaw(file)
