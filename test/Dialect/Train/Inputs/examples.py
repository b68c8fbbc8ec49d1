"""Prints the examples of the ODS descriptions of ops as one module.

Each example becomes the body of an op that nothing knows, whose region may use values that
are defined nowhere: for these, sources of the types that the example gives are appended.
"""

import re
import sys

EXAMPLE = re.compile(r"```mlir\n(.*?)```", re.S)
OP = re.compile(r"((?:%\w+(?:, )?)+ = )?(train\.\w+)(.*?)(?=\n\s*(?:%\w|train\.)|\Z)", re.S)


def operand_types(operation, operands, text):
    """Pairs of the operands of an op with their types, read from its printed form."""
    if operation == "train.return":
        pairs = []
        for names, types in re.findall(r"((?:%\w+(?:, )?)+)\s*:\s*((?:tensor<[^>]*>(?:, )?)+)", text):
            pairs += zip(re.findall(r"%\w+", names), re.findall(r"tensor<[^>]*>", types))
        return pairs
    types = re.findall(r"tensor<[^>]*>", text.rsplit(" to ", 1)[0])
    if len(types) == 1:
        types *= len(operands)
    assert len(types) == len(operands), (operation, operands, types)
    return zip(operands, types)


def main():
    count = 0
    for path in sys.argv[1:]:
        for definition in open(path).read().split("\ndef ")[1:]:
            if not re.match(r"\w+Op :", definition):
                continue
            examples = EXAMPLE.findall(definition)
            assert examples, f"{path}: {definition.split(':')[0]} has no example"
            for example in examples:
                if "train.step" in example:
                    print(example)
                    count += 1
                    continue
                for result, operation, rest in OP.findall(example):
                    operands = re.findall(r"%\w+", rest)
                    text = (result + operation + rest).strip()
                    types = dict(operand_types(operation, operands, rest))
                    if operation == "train.return":
                        step(f"example_{count}", types, text)
                    else:
                        wrap(types, text)
                    count += 1
    print(f"// {count} examples")


def wrap(types, text):
    print('"test.wrap"() ({\n  ' + text)
    for name, type in types.items():
        print(f'  {name} = "test.source"() : () -> {type}')
    print("}) : () -> ()")


def step(name, types, text):
    arguments = [f'param {name} "{name[1:]}" : {type}' for name, type in types.items()]
    print(f"train.step @{name}({', '.join(arguments)}) {{\n  {text}\n}}")


main()
