# SPDX-License-Identifier: MIT
# lit's configuration: what it runs comes from meson (or all-versions) by the environment.
import os

import lit.formats

config.name = "llview"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".c", ".ll"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.environ["LLVIEW_TEST_OUTPUT"]

version = os.environ["LLVIEW_LLVM"]
build = os.environ["LLVIEW_PLUGINS"]
top = os.path.join(config.test_source_root, "..", "..")
include = " ".join(f"-I{top}/core/{part}/include" for part in ("base", "guest", "llview"))
flags = "-g -std=gnu11 -D_GNU_SOURCE -DSCW_LLVIEW=1 -Wall -Wno-unused -Wno-unknown-warning-option"
plugin = f"-fplugin={build}/llview.so -fpass-plugin={build}/llview.so"

config.environment["PATH"] = f"/usr/lib/llvm-{version}/bin:" + os.environ["PATH"]
config.available_features.add(f"llvm-{version}")
config.substitutions += [
    ("%cc", f"clang-{version} {plugin} {flags} -I{config.test_source_root} {include} -O2"),
    ("%llvm", version),
    ("%unplugged", f"clang-{version} -I{config.test_source_root} {include} -O2"),
    ("%plugin", f"-fplugin={build}/llview.so -fpass-plugin={build}/llview.so"),
    ("%opt", f"opt-{version} -load-pass-plugin={build}/llview-pass.so"),
    # clang's own output with nothing but our pass done to it.
    ("%emit", f"clang-{version} {plugin} {flags} -I{config.test_source_root} {include}"
              " -O1 -S -emit-llvm -o -"),
]
