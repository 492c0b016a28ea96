"""Lists all own snapshots, as a short script would do it, and prints how many there are and the seconds of CPU it took."""

import os
import time

import boto3

ec2 = boto3.client("ec2", region_name=os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"])
# The first request makes connections and reads credentials.
ec2.describe_snapshots(OwnerIds=["self"], MaxResults=5)
began = time.process_time()
pages = ec2.get_paginator("describe_snapshots").paginate(
    OwnerIds=["self"], Filters=[{"Name": "tag-key", "Values": ["ec2-backup:point"]}], PaginationConfig={"PageSize": 1000}
)
count = sum(len(page["Snapshots"]) for page in pages)
print(count, time.process_time() - began)
