"""The job of one run, as a short script would do it: the baseline that the agent is measured against."""

import os
import urllib.request

import boto3

KEEP = 50


def metadata(path):
    base = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"].rstrip("/")
    ask = urllib.request.Request(
        f"{base}/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    token = urllib.request.urlopen(ask).read().decode()
    ask = urllib.request.Request(f"{base}/latest/meta-data/{path}", headers={"X-aws-ec2-metadata-token": token})
    return urllib.request.urlopen(ask).read().decode()


def client(service):
    # Old releases do not read these variables themselves.
    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ["AWS_ENDPOINT_URL"]
    return boto3.client(service, region_name=os.environ["AWS_REGION"], endpoint_url=endpoint)


def main():
    instance = metadata("instance-id")
    ec2 = client("ec2")
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    volumes = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])["Volumes"]

    created = ec2.create_snapshots(
        InstanceSpecification={"InstanceId": found["InstanceId"]},
        Description=f"baseline of {len(volumes)} volumes",
        TagSpecifications=[{"ResourceType": "snapshot", "Tags": [{"Key": "baseline", "Value": "yes"}]}],
    )["Snapshots"]

    pages = ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=[{"Name": "tag-key", "Values": ["ec2-backup:point"]}]
    )
    points = {}
    for page in pages:
        for snapshot in page["Snapshots"]:
            tags = {tag["Key"]: tag["Value"] for tag in snapshot["Tags"]}
            points.setdefault(tags["ec2-backup:point"], []).append(snapshot)
    newest_first = sorted(points.values(), key=lambda point: point[0]["StartTime"], reverse=True)
    # The set just made is not tagged as a point, so it counts as one of those kept here.
    old = [snapshot for point in newest_first[KEEP - 1 :] for snapshot in point]
    for snapshot in old:
        ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])

    client("cloudwatch").put_metric_data(
        Namespace="Baseline",
        MetricData=[
            {"MetricName": name, "Value": value, "Unit": "Count", "Dimensions": [{"Name": "Server", "Value": instance}]}
            for name, value in (("Created", len(created)), ("Deleted", len(old)), ("Errors", 0))
        ],
    )


main()
