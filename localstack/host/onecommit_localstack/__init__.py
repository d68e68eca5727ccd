"""Lets LocalStack run on this machine without Docker.

LocalStack itself starts a container for each Lambda function and downloads DynamoDB Local. This package plugs in, by
LocalStack's own entry points, an executor that starts functions as processes (`executor`) and a DynamoDB server that
Maven fetched (`dynamodb`), and keeps it off the network (`loopback`).
"""
