"""What Python's packages wrap, as clients of the benchmark: aws-c-s3, object_store, OpenDAL, Arrow.

    python.py PEER JOB

job.hpp says what a job is and what is printed. Each uses the defaults of its library.
"""

import json
import os
import re
import resource
import sys
import time
from urllib.parse import urlparse

CHUNK = 8 << 20


def key_of(variable):
    return os.environ[variable]


class Job:
    def __init__(self, text):
        self.__dict__.update(json.loads(text))
        self.url = urlparse(self.endpoint)
        self.secure = self.url.scheme == "https"


class AwsCrt:
    """aws-c-s3, which hashes no payloads."""

    def __init__(self, job):
        from awscrt import auth, io, s3

        self.s3, self.job = s3, job
        # A client that is not given these fetches them by a thread of its own.
        credentials = auth.AwsCredentialsProvider.new_static(key_of("AWS_ACCESS_KEY_ID"), key_of("AWS_SECRET_ACCESS_KEY"))
        tls = None
        if job.secure:
            options = io.TlsContextOptions()
            options.override_default_trust_store_from_path(None, job.ca)
            tls = io.TlsConnectionOptions(io.ClientTlsContext(options))
        self.client = s3.S3Client(
            region="us-east-1",
            credential_provider=credentials,
            tls_mode=s3.S3RequestTlsMode.ENABLED if job.secure else s3.S3RequestTlsMode.DISABLED,
            tls_connection_options=tls,
        )

    def request(self, kind, method, headers=(), **more):
        from awscrt import http

        path = f"/{self.job.bucket}/{self.job.key}"
        request = http.HttpRequest(method, path, http.HttpHeaders([("Host", self.job.url.netloc), *headers]))
        self.client.make_request(type=kind, request=request, **more).finished_future.result()

    def put_file(self, job):
        headers = [("Content-Length", str(job.length)), ("Content-Type", "application/octet-stream")]
        self.request(self.s3.S3RequestType.PUT_OBJECT, "PUT", headers, send_filepath=job.file)

    def get(self, job):
        if job.file != "/dev/null":
            return self.request(self.s3.S3RequestType.GET_OBJECT, "GET", recv_filepath=job.file)
        return self.request(self.s3.S3RequestType.GET_OBJECT, "GET", on_body=lambda chunk, offset, **more: None)


class ObStore:
    """Rust's object_store."""

    def __init__(self, job):
        from obstore.store import S3Store

        self.store = S3Store(
            job.bucket,
            endpoint=job.endpoint,
            region="us-east-1",
            access_key_id=key_of("AWS_ACCESS_KEY_ID"),
            secret_access_key=key_of("AWS_SECRET_ACCESS_KEY"),
            unsigned_payload=not job.sign_payload,
            client_options={"allow_http": True, "allow_invalid_certificates": True},
        )

    def put_file(self, job):
        from pathlib import Path

        import obstore

        obstore.put(self.store, job.key, Path(job.file))

    def get(self, job):
        import obstore

        with open(job.file, "wb", buffering=0) as target:
            for chunk in obstore.get(self.store, job.key).stream(min_chunk_size=CHUNK):
                target.write(chunk)


class OpenDal:
    def __init__(self, job):
        import opendal

        self.operator = opendal.Operator(
            "s3",
            bucket=job.bucket,
            endpoint=job.endpoint,
            region="us-east-1",
            access_key_id=key_of("AWS_ACCESS_KEY_ID"),
            secret_access_key=key_of("AWS_SECRET_ACCESS_KEY"),
        )

    def put_file(self, job):
        with open(job.file, "rb", buffering=0) as source, self.operator.open(job.key, "wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)

    def get(self, job):
        with self.operator.open(job.key, "rb") as source, open(job.file, "wb", buffering=0) as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)


class Arrow:
    def __init__(self, job):
        from pyarrow import fs

        self.filesystem = fs.S3FileSystem(
            access_key=key_of("AWS_ACCESS_KEY_ID"),
            secret_key=key_of("AWS_SECRET_ACCESS_KEY"),
            endpoint_override=job.url.netloc,
            scheme=job.url.scheme,
            region="us-east-1",
            **({"tls_ca_file_path": job.ca} if job.secure else {}),
        )

    def put_file(self, job):
        with open(job.file, "rb", buffering=0) as source:
            with self.filesystem.open_output_stream(f"{job.bucket}/{job.key}") as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)

    def get(self, job):
        with self.filesystem.open_input_stream(f"{job.bucket}/{job.key}") as source, open(job.file, "wb", buffering=0) as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)


PEERS = {"awscrt": AwsCrt, "obstore": ObStore, "opendal": OpenDal, "arrow": Arrow}


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mib():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1]) / 1024


def main():
    job = Job(sys.argv[2])
    peer = PEERS[sys.argv[1]](job)
    start, before = time.monotonic(), processor_seconds()
    getattr(peer, job.work)(job)
    cost = {"processor": processor_seconds() - before, "wall": time.monotonic() - start, "peak": peak_mib()}
    print(json.dumps(cost), flush=True)
    os._exit(0)  # some have threads that do not end


main()
