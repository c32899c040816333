"""C files that a program under test is started with (LD_PRELOAD)."""
import os
import shutil
import subprocess

from support.expect import Skipped


HERE = os.path.dirname(os.path.abspath(__file__))


def compiled(name, folder):
    """Path of the library made of NAME.c beside this file, in the folder."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Skipped("no C compiler")
    library = os.path.join(folder, name + ".so")
    source = os.path.join(HERE, name + ".c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library
