"""Asks a gRPC health service by the stubs of grpcio-health-checking.

python grpc_client.py ADDRESS: takes one command a line, and prints one line for each.
"""

import json
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

LIMIT = 20
ADDRESS = sys.argv[1]
channel = grpc.insecure_channel(ADDRESS)
stub = health_pb2_grpc.HealthStub(channel)
watches = {}


def name(answer):
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def check(service=""):
    return name(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=LIMIT))


def watch(service=""):
    """The next status that the stream tells."""
    if service not in watches:
        watches[service] = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)
    return name(next(watches[service]))


def list_all():
    return str(stub.List(health_pb2.HealthListRequest(), timeout=LIMIT))


def client_side(service=""):
    """A call over a channel that watches the health of its service, and calls only while it serves."""
    config = {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": service}}
    options = [("grpc.service_config", json.dumps(config))]
    with grpc.insecure_channel(ADDRESS, options=options) as watching:
        request = health_pb2.HealthCheckRequest(service=service)
        health_pb2_grpc.HealthStub(watching).Check(request, timeout=1)
        return "called"


COMMANDS = {"check": check, "watch": watch, "list": list_all, "client-side": client_side}
print("versions", grpc.__version__, flush=True)
for line in sys.stdin:
    command, *arguments = line.split()
    try:
        print(COMMANDS[command](*arguments), flush=True)
    except grpc.RpcError as error:
        print(error.code().name, flush=True)
