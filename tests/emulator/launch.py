"""Starts the two servers that stand in for AWS and keeps them alive as long as its own standard input is open.

It makes the virtual environment of `requirements.txt` once (a file lock makes parallel callers wait, a marker written last
makes a half-made one be done again), runs itself in it, starts moto and ministack on free loopback ports, waits until both
answer, prints one line of JSON on standard output and waits. Whoever holds the other end of its standard input needs to do
nothing at the end: when that end closes, however its holder died, the servers are killed; should this program itself be
killed, the kernel kills them. It knows nothing about tests and leaves nothing but the environment and logs behind.

    python3 tests/emulator/launch.py                  until Ctrl-C (or the end of standard input)
    python3 tests/emulator/launch.py --venv-only      makes the environment, prints {"python": …} and ends
"""

import argparse
import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
MARKER = "complete"
PIP_LIMIT_SECONDS = 900
START_LIMIT_SECONDS = 30
START_ATTEMPTS = 5
# Below Linux's ephemeral ports (32768 and up), so that no outgoing connection takes a port between the choice and the bind.
PORTS = range(20000, 32000)
# What is not moto's: shared/EMULATORS gives the reasons.
MINISTACK_SERVICES = ["ECS", "CLOUDFRONT", "CLOUDWATCH", "CLOUDCONTROL"]
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


def venv_path(target):
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    return target / f"emulator-venv-{digest[:12]}"


def ensure_venv(target):
    """The environment's Python; makes the environment when it is not there, one maker at a time."""
    target.mkdir(parents=True, exist_ok=True)
    venv = venv_path(target)
    python = venv / "bin" / "python"
    if (venv / MARKER).exists():
        return python
    with open(target / f"{venv.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (venv / MARKER).exists():
            make_venv(venv, python)
    return python


def make_venv(venv, python):
    print(f"making {venv} (once; about 350 MB, one minute)", file=sys.stderr, flush=True)
    if venv.exists():
        shutil.rmtree(venv)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    for command in (
        [sys.executable, "-m", "venv", str(venv)],
        # The pins are complete: without the resolver a package that is not pinned cannot slip in; `check` says when one lacks.
        [*pip, "install", "--quiet", "--no-deps", "-r", str(REQUIREMENTS)],
        [*pip, "check"],
    ):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PIP_LIMIT_SECONDS)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    (venv / MARKER).write_text("")


def die_with_parent():
    """Between fork and exec: a process group of its own, and the kernel's promise of a SIGKILL when the launcher dies."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def free_port():
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listens(pid, port):
    """Whether this very process listens on the port: another pair's server may answer there while ours is still starting."""
    if not pathlib.Path("/proc/net/tcp").exists():
        return True
    inodes = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(descriptor) in inodes:
                return True
        except OSError:
            continue
    return False


class Server:
    """One emulator: its process, its address, its log."""

    def __init__(self, name, command, env, probe, logs):
        self.name, self.command, self.env, self.probe = name, command, env, probe
        self.log = logs / f"{name}.log"
        self.port = self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def spawn(self):
        self.port = free_port()
        base = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        env = base | {key: value.format(port=self.port) for key, value in self.env.items()}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                preexec_fn=die_with_parent,
            )

    def ready(self):
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + self.probe, timeout=5) as answer:
                return answer.status == 200 and listens(self.process.pid, self.port)
        except (OSError, urllib.error.URLError):
            return False

    def wait(self):
        """Waits for the answer; a server that ends by itself lost its port to somebody and gets another."""
        for _ in range(START_ATTEMPTS):
            limit = time.monotonic() + START_LIMIT_SECONDS
            while self.process.poll() is None:
                if self.ready():
                    return
                if time.monotonic() > limit:
                    raise RuntimeError(f"{self.name} did not answer on {self.url} in {START_LIMIT_SECONDS} s\n{self.tail()}")
                time.sleep(0.02)
            self.spawn()
        raise RuntimeError(f"{self.name} ended {START_ATTEMPTS} times while starting\n{self.tail()}")

    def tail(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.log}\n" + "\n".join(text.splitlines()[-60:])

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def servers(logs, home):
    tools = pathlib.Path(sys.executable).parent
    return [
        Server(
            "moto",
            [sys.executable, str(HERE / "moto_mended.py"), "-H", "127.0.0.1", "-p", "{port}"],
            {"HOME": home, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "1", "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"},
            "/moto-api/data.json",
            logs,
        ),
        Server(
            "ministack",
            [str(tools / "ministack")],
            # Its S3, state and lock files go to a folder of this run: two pairs must not meet in /tmp.
            {
                "HOME": home,
                "TMPDIR": home,
                "STATE_DIR": f"{home}/state",
                "S3_DATA_DIR": f"{home}/s3",
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": "{port}",
                "DOCKER_HOST": "unix:///nonexistent",
                # Else each binds a fixed port (8883) and 2222 on every interface.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
            },
            "/_ministack/health",
            logs,
        ),
    ]


def describe(pair):
    moto, ministack = pair
    env = dict(CREDENTIALS)
    env["AWS_ENDPOINT_URL"] = moto.url
    env |= {f"AWS_ENDPOINT_URL_{service}": ministack.url for service in MINISTACK_SERVICES}
    return {
        "python": sys.executable,
        "moto": moto.url,
        "ministack": ministack.url,
        "logs": str(moto.log.parent),
        "pids": {server.name: server.process.pid for server in pair},
        "env": env,
    }


def wait_for_end():
    """Returns when standard input ends or a signal asks for the end."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())

    def drain():
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=drain, daemon=True).start()
    ended.wait()


def serve(logs):
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="emulator-") as home:
        pair = servers(logs, home)
        try:
            # Both start at once. All forks are the main thread's: PDEATHSIG fires when the thread that forked ends.
            for server in pair:
                server.spawn()
            for server in pair:
                server.wait()
            print(json.dumps(describe(pair)), flush=True)
            wait_for_end()
        except RuntimeError as error:
            raise SystemExit(str(error)) from None
        finally:
            for server in pair:
                server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, help="where the environment and the logs go (cargo's target folder)")
    parser.add_argument("--logs", type=pathlib.Path, help="the folder of this run's logs")
    parser.add_argument("--venv-only", action="store_true", help="make the environment, print its Python and end")
    parser.add_argument("--in-venv", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    target = args.target or pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parent.parent / "target")
    target = target.resolve()
    logs = (args.logs or target / "emulator-logs" / f"launch-{os.getpid()}").resolve()
    if args.in_venv:
        serve(logs)
        return
    python = ensure_venv(target)
    if args.venv_only:
        print(json.dumps({"python": str(python)}), flush=True)
        return
    os.execv(python, [str(python), str(HERE / "launch.py"), "--in-venv", "--logs", str(logs)])


if __name__ == "__main__":
    main()
