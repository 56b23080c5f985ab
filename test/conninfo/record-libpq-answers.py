"""Fill in libpq's own answers in libpq-answers.json, next to this file.

    python3 test/conninfo/record-libpq-answers.py /path/to/libpq.so.5

The inputs are kept in the JSON file; this script asks the given libpq about each of them and rewrites the
answers. Two questions are put: what PQconninfoParse makes of a string ("parse"), and what PQconnectdb makes
of a string together with an environment and files ("connect"). The latter tries to connect, so its inputs
name only the loopback port 1 or socket directories that do not exist: the attempts fail at once, and by
their error messages one sees where libpq would have gone. "{dir}" stands for a temporary
directory, which is also the home directory, and "{user}" for the operating system user.
"""

import ctypes
import json
import os
import pwd
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "libpq-answers.json")
ATTEMPT = re.compile(r'connection to server (?:at "([^"]*)"(?: \([^)]*\))?, port (.*?)|on socket "([^"]*)") failed')

# Filled in by libpq itself, by other rules than the table of keywords.
DERIVED = (b"passfile", b"sslcertmode")


class Option(ctypes.Structure):
    _fields_ = [
        ("keyword", ctypes.c_char_p),
        ("envvar", ctypes.c_char_p),
        ("compiled", ctypes.c_char_p),
        ("val", ctypes.c_char_p),
        ("label", ctypes.c_char_p),
        ("dispchar", ctypes.c_char_p),
        ("dispsize", ctypes.c_int),
    ]


def load(path):
    libpq = ctypes.CDLL(path)
    options = ctypes.POINTER(Option)
    libpq.PQconninfoParse.restype = options
    libpq.PQconninfoParse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
    libpq.PQconndefaults.restype = options
    libpq.PQconnectdb.restype = ctypes.c_void_p
    libpq.PQconnectdb.argtypes = [ctypes.c_char_p]
    libpq.PQconninfo.restype = options
    for name in ("PQconninfo", "PQerrorMessage", "PQpass"):
        getattr(libpq, name).argtypes = [ctypes.c_void_p]
    libpq.PQerrorMessage.restype = ctypes.c_char_p
    libpq.PQpass.restype = ctypes.c_char_p
    return libpq


def each(options):
    index = 0
    while options[index].keyword is not None:
        yield options[index]
        index += 1


def values(options):
    return {o.keyword.decode(): o.val.decode() for o in each(options) if o.val is not None}


def keywords(libpq):
    """The table of keywords; run in an empty environment."""
    text = lambda value: None if value is None else value.decode()
    return [
        {"keyword": text(o.keyword), "environment": text(o.envvar), "compiled": text(o.compiled)}
        for o in each(libpq.PQconndefaults())
    ]


def parse(libpq, case):
    message = ctypes.c_char_p()
    options = libpq.PQconninfoParse(case["input"].encode(), ctypes.byref(message))
    if not options:
        return {"error": message.value.decode().strip()}
    return {"options": values(options)}


def connect(libpq, case, directory):
    connection = libpq.PQconnectdb(case["input"].replace("{dir}", directory).encode())
    message = libpq.PQerrorMessage(connection).decode().replace(directory, "{dir}").strip()
    attempts = [
        {"socket": socket} if socket else {"host": host, "port": int(port)}
        for host, port, socket in ATTEMPT.findall(message)
    ]
    # Integers are looked at only while connecting, so their error comes after the name of the server.
    if not attempts or "invalid integer value" in message:
        return {"error": message}
    user = pwd.getpwuid(os.geteuid()).pw_name
    found = {
        o.keyword.decode(): "{user}" if o.val.decode() == user else o.val.decode().replace(directory, "{dir}")
        for o in each(libpq.PQconninfo(connection))
        if o.val not in (None, o.compiled) and o.keyword not in DERIVED
    }
    # Which password was found in a password file shows only on the connection.
    return {"attempts": attempts, "password": libpq.PQpass(connection).decode(), "options": found}


def child(library, kind):
    """One question for each process, because libpq reads the environment of the process."""
    case = json.load(sys.stdin)
    libpq = load(library)
    if kind == "keywords":
        answer = {"version": libpq.PQlibVersion(), "keywords": keywords(libpq)}
    elif kind == "parse":
        answer = [parse(libpq, one) for one in case]
    else:
        answer = connect(libpq, case, os.environ["HOME"])
    json.dump(answer, sys.stdout)


def ask(library, kind, case, environment):
    command = [sys.executable, os.path.abspath(__file__), library, kind]
    done = subprocess.run(
        command, input=json.dumps(case), capture_output=True, text=True, check=True, env=environment
    )
    answer = json.loads(done.stdout)
    if done.stderr:
        answer["warning"] = done.stderr.replace(environment["HOME"], "{dir}").strip()
    return answer


def main():
    library = sys.argv[1]
    with open(FILE, encoding="utf-8") as file:
        recording = json.load(file)
    nothing = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}
    table = ask(library, "keywords", None, nothing)
    recording["libpq"] = f"{table['version'] // 10000}.{table['version'] % 10000}"
    recording["keywords"] = table["keywords"]
    for case, answer in zip(recording["parse"], ask(library, "parse", recording["parse"], nothing)):
        case.pop("options", None)
        case.pop("error", None)
        case.update(answer)
    for case in recording["connect"]:
        with tempfile.TemporaryDirectory() as directory:
            for name, file_text in case.get("files", {}).items():
                path = os.path.join(directory, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(file_text)
                os.chmod(path, int(case.get("mode", "0600"), 8))
            given = {k: v.replace("{dir}", directory) for k, v in case.get("environment", {}).items()}
            answer = ask(library, "connect", case, {**nothing, "HOME": directory, **given})
        for name in ("attempts", "password", "options", "error", "warning"):
            case.pop(name, None)
        case.update(answer)
    with open(FILE, "w", encoding="utf-8") as file:
        json.dump(recording, file, ensure_ascii=False)
    subprocess.run(["npx", "prettier", "--write", FILE], cwd=HERE, check=True)


if __name__ == "__main__":
    child(*sys.argv[1:3]) if len(sys.argv) == 3 else main()
