#!/usr/bin/env python3
"""Writes model/*.json: the facts of the AWS API models, without their prose.

    python3 tools/model.py            write the files
    python3 tools/model.py --check    exit 1 when a file is not what would be written

The source is the botocore package of PyPI, pinned below. Per API: what is needed to
speak awsJson (target prefix, signing name), every operation with its input, output and
errors, and every shape they reach: type, members, required, enum, bounds, pattern,
sensitive. One shape a line, so that a new version reads as a diff.
"""
import glob, gzip, json, os, subprocess, sys, tempfile, zipfile

BOTOCORE = "1.44.5"
APIS = ["ecs", "ecr", "application-autoscaling", "resourcegroupstaggingapi"]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SHAPE_KEYS = ["type", "required", "enum", "min", "max", "pattern", "sensitive", "union", "document", "exception"]


def service_model(package, api):
    names = [n for n in package.namelist() if n.startswith(f"botocore/data/{api}/") and "/service-2.json" in n]
    raw = package.read(sorted(names)[-1])
    return json.loads(gzip.decompress(raw) if names[-1].endswith(".gz") else raw)


def shape_facts(shape):
    facts = {key: shape[key] for key in SHAPE_KEYS if key in shape}
    if "members" in shape:
        facts["members"] = {name: member["shape"] for name, member in shape["members"].items()}
        for flag in ("idempotencyToken", "deprecated"):
            flagged = [name for name, member in shape["members"].items() if member.get(flag)]
            if flagged:
                facts[flag] = flagged
    if shape["type"] == "list":
        facts["member"] = shape["member"]["shape"]
    if shape["type"] == "map":
        facts["key"], facts["value"] = shape["key"]["shape"], shape["value"]["shape"]
    return facts


def reachable(model, roots):
    seen, todo = set(), list(roots)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        shape = model["shapes"][name]
        todo += [member["shape"] for member in shape.get("members", {}).values()]
        todo += [shape[key]["shape"] for key in ("member", "key", "value") if key in shape]
    return seen


def facts(model):
    metadata = model["metadata"]
    operations = {
        name: {
            "input": operation.get("input", {}).get("shape"),
            "output": operation.get("output", {}).get("shape"),
            "errors": sorted(error["shape"] for error in operation.get("errors", [])),
        }
        for name, operation in sorted(model["operations"].items())
    }
    roots = {shape for operation in operations.values() for shape in (operation["input"], operation["output"], *operation["errors"]) if shape}
    head = {
        "source": f"botocore {BOTOCORE}",
        "serviceId": metadata["serviceId"],
        "apiVersion": metadata["apiVersion"],
        "targetPrefix": metadata["targetPrefix"],
        "signingName": metadata.get("signingName", metadata["endpointPrefix"]),
        "endpointPrefix": metadata["endpointPrefix"],
    }
    return head, operations, {name: shape_facts(model["shapes"][name]) for name in sorted(reachable(model, roots))}


def rendered(head, operations, shapes):
    def block(entries):
        return ",\n".join(f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())

    lines = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    return "{\n" + lines + '  "operations": {\n' + block(operations) + '\n  },\n  "shapes": {\n' + block(shapes) + "\n  }\n}\n"


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"botocore=={BOTOCORE}"],
            check=True,
        )
        package = zipfile.ZipFile(glob.glob(os.path.join(folder, "*.whl"))[0])
        for api in APIS:
            path = os.path.normpath(os.path.join(ROOT, "model", f"{api}.json"))
            text = rendered(*facts(service_model(package, api)))
            if check:
                current = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
                if current != text:
                    stale.append(path)
            else:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
    for path in stale:
        print(f"{path} is not current: run `python3 tools/model.py`", file=sys.stderr)
    sys.exit(1 if stale else 0)


main()
