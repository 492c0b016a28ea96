# Runs commands of the AWS CLI, each in a process of its own that has the CLI loaded already: loading it takes longer
# than all that a command does. One line of JSON each for a command and for what it came to.
import json
import os
import sys
import tempfile
import traceback

import awscli
import awscli.clidriver

# Loads what the CLI loads for every command.
awscli.clidriver.create_clidriver()
print(json.dumps({"version": awscli.__version__}), flush=True)


def end(words, env, out, err):
    for number, file in enumerate((out, err), start=1):
        os.dup2(file.fileno(), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Loading it has told the CLI where its data are.
    own = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]} if "AWS_DATA_PATH" in os.environ else {}
    os.environ.clear()
    os.environ.update({**env, **own})
    sys.argv = ["aws", *words]
    status = 1
    try:
        status = awscli.clidriver.main()
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status or 0)


for line in iter(sys.stdin.readline, ""):
    asked = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            end(asked["words"], asked["env"], out, err)
        _, status = os.waitpid(pid, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    told = {"code": os.waitstatus_to_exitcode(status), "stdout": texts[0], "stderr": texts[1]}
    print(json.dumps(told), flush=True)
