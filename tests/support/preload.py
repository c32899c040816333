"""C files that a program under test is started with (LD_PRELOAD)."""
import os
import shutil
import subprocess

from expect import Skipped


def compiled(source, folder):
    """Path of the library made of the C file, in the folder."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Skipped("no C compiler")
    name = os.path.splitext(os.path.basename(source))[0]
    library = os.path.join(folder, name + ".so")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library
