"""Rules that need a compiler, an object file or pmccabe. Each takes the tree
with a build folder; Skip says that a tool is not there."""

import concurrent.futures
import os
import re
import shutil
import subprocess

MAX_FUNCTION_LINES = 80
MAX_COMPLEXITY = 15

# Objects that may be written though they are static: "path name", and why.
# There is none; a new line here needs a good reason.
ALLOWED_GLOBALS = {}

# What pure code must not reach, by kind. A module may be exempt from some.
IMPURE = {
    "socket": "socket socketpair bind listen accept accept4 connect send "
              "sendto sendmsg recv recvfrom recvmsg shutdown getsockopt "
              "setsockopt getsockname getpeername getaddrinfo getnameinfo "
              "gethostbyname poll ppoll select pselect epoll_create1 "
              "epoll_wait gethostname if_nametoindex",
    "file": "open open64 openat creat close read write pread pwrite readv "
            "writev lseek stat fstat lstat access unlink rename mkdir rmdir "
            "opendir readdir fsync fdatasync ftruncate mmap munmap dup dup2 "
            "pipe pipe2 fcntl ioctl fopen fopen64 freopen fdopen fclose fread "
            "fwrite fgets fputs fputc puts putchar printf vprintf fprintf "
            "vfprintf dprintf vdprintf perror remove tmpfile mkstemp chdir "
            "getcwd stdin stdout stderr syslog",
    "time": "time clock clock_gettime gettimeofday nanosleep clock_nanosleep "
            "sleep usleep localtime localtime_r mktime alarm timer_create "
            "timerfd_create tzset",
    "thread": "pthread_create pthread_join pthread_mutex_lock "
              "pthread_mutex_init pthread_cond_wait pthread_once pthread_self "
              "thrd_create mtx_lock sched_yield",
    "process": "fork vfork execve execv execvp execl posix_spawn system popen "
               "kill raise signal sigaction getpid getuid setuid getenv "
               "secure_getenv setenv exit _exit atexit",
    "chance": "rand srand random srandom drand48 getrandom getentropy "
              "arc4random",
}
FOREIGN = re.compile(
    r"^(uv_|SSL_|X509_|EVP_|BIO_|ERR_|RAND_|OPENSSL_|CRYPTO_|sqlite3_|"
    r"getdns_|curl_|cfg_|deflate|inflate|gz|mlfi_|smfi_|MHD_|seccomp_)")
# The doors through which a clock, a log sink and chance come in, and the one
# place where a process ends.
EXEMPT = {
    "relay/base/clock.c": {"time"},
    "relay/base/rng.c": {"chance", "file"},
    "relay/base/log.c": {"file", "time"},
    "relay/base/err.c": {"file", "process"},
}


class Skip(Exception):
    """A rule that can't be checked here, and why."""


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          stdin=options.pop("stdin", subprocess.DEVNULL),
                          **options)


def need(tool):
    if not shutil.which(tool):
        raise Skip(f"{tool} is not installed")
    return tool


def make_variable(tree, name):
    """The value of a variable in the Makefile that configure made."""
    if not tree.build:
        raise Skip("no build folder (--build)")
    path = os.path.join(tree.build, "Makefile")
    with open(path, encoding="utf-8") as handle:
        match = re.search(rf"(?m)^{name} =((?:.*\\\n)*.*)$", handle.read())
    return match.group(1).replace("\\\n", " ").strip() if match else ""


def check_headers(tree):
    """headers: each header compiles alone, and twice."""
    compiler = make_variable(tree, "CC").split()
    flags = [f for f in make_variable(tree, "WX_CFLAGS").split()
             if f.startswith(("-std", "-W"))]
    command = compiler + flags + [
        "-Werror", "-Wno-unused-macros", "-fsyntax-only", "-I", tree.root,
        "-I", tree.build, "-x", "c"]

    def compile_one(file):
        include = f'#include "{file.path}"\n'
        result = subprocess.run(
            command + ["-"], input='#include "config.h"\n' + include * 2 +
            "extern int lint_not_empty;\n", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        return file.path, result

    headers = [f for f in tree.c_files() if f.path.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, result in pool.map(compile_one, headers):
            if result.returncode:
                first = next((line for line in result.stdout.splitlines()
                              if "error" in line), result.stdout.strip())
                yield path, 1, f"does not compile alone: {first}"


def check_functions(tree):
    """functions: no more than 80 lines, cyclomatic complexity 15."""
    need("pmccabe")
    paths = [f.path for f in tree.c_files() if f.path.endswith(".c")]
    if not paths:
        return
    result = run(["pmccabe"] + paths, cwd=tree.root)
    for line in result.stdout.splitlines():
        fields = line.split("\t")
        if len(fields) < 6:
            continue
        # modified and traditional McCabe, statements, first line, lines
        match = re.match(r"(.+)\((\d+)\): (.+)$", fields[5])
        if not match:
            continue
        path, number, name = match.groups()
        if int(fields[0]) > MAX_COMPLEXITY:
            yield (path, int(number), f"{name}: complexity {fields[0]}, the "
                   f"limit is {MAX_COMPLEXITY}")
        if int(fields[4]) > MAX_FUNCTION_LINES:
            yield (path, int(number), f"{name}: {fields[4]} lines, the limit "
                   f"is {MAX_FUNCTION_LINES}")


def objects(tree):
    """(source path, object path), the newest object of each source."""
    if not tree.build:
        raise Skip("no build folder (--build)")
    found = {}
    for folder in ("relay", "dane", "sts"):
        for base, _, names in os.walk(os.path.join(tree.build, folder)):
            for name in names:
                if not name.endswith(".o"):
                    continue
                full = os.path.join(base, name)
                stem = re.sub(r"^(lib\w+_a|waxseald?)-", "", name)[:-2]
                source = os.path.join(os.path.relpath(base, tree.build),
                                      stem + ".c")
                if source not in tree.by_path:
                    continue
                old = found.get(source)
                if not old or os.path.getmtime(old) < os.path.getmtime(full):
                    found[source] = full
    return sorted(found.items())


def line_of(tree, path, word):
    """Where the word first stands in the file, for the message."""
    for number, line in enumerate(tree.by_path[path].code, 1):
        if not line.startswith("#") and re.search(rf"\b{re.escape(word)}\b",
                                                  line):
            return number
    return 1


def is_writable(flags, section):
    """Is this symbol, by objdump's words, an object that can be written?"""
    if re.match(r"\.tdata|\.tbss", section):
        return "d" not in flags
    if section.startswith(".data.rel.ro"):
        return False
    return "O" in flags and bool(re.match(r"\.data|\.bss|\*COM\*", section))


def check_globals(tree):
    """globals: no object of ours that can be written outlives a call."""
    need("objdump")
    for source, path in objects(tree):
        for line in run(["objdump", "-t", path]).stdout.splitlines():
            match = re.match(
                r"[0-9a-f]{8,16} (.{7}) (\S+)\t[0-9a-f]+\s+(?:\.\w+ )?(\S+)$",
                line)
            if not match or not is_writable(*match.group(1, 2)):
                continue
            section, name = match.group(2), match.group(3)
            word = name.split(".")[0]
            if (source, word) in ALLOWED_GLOBALS:
                continue
            yield (source, line_of(tree, source, word),
                   f"{word} is a global that can be written ({section})")


def impure_kind(name):
    """The kind of a symbol that pure code must not use, or None."""
    name = name.split("@")[0]
    match = re.match(r"__(\w+)_chk$", name)
    if match:
        name = match.group(1)
    name = re.sub(r"^__isoc\d\d_", "", name)
    for kind, names in IMPURE.items():
        if name in names.split():
            return kind
    return "foreign" if FOREIGN.match(name) else None


def check_pure(tree):
    """pure: libpure.a reaches no socket, file, clock, thread or library."""
    need("nm")
    for source, path in objects(tree):
        if "/libpure_a-" not in path:
            continue
        exempt = EXEMPT.get(source, set())
        for line in run(["nm", "-u", path]).stdout.splitlines():
            name = line.split()[-1]
            kind = impure_kind(name)
            if kind and kind not in exempt:
                yield (source, line_of(tree, source, name),
                       f"pure code uses {name} ({kind})")
