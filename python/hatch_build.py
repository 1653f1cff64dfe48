"""Puts the command into a wheel and names the wheel's platform. build.sh says which: VERIFYD_BINARY, VERIFYD_PLATFORM."""

import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommandHook(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        if version == "editable":  # development: VERIFYD_BINARY says at run time where the command is
            return
        try:
            binary, platform = os.environ["VERIFYD_BINARY"], os.environ["VERIFYD_PLATFORM"]
        except KeyError as missing:
            raise RuntimeError(f"{missing} is not set: wheels are made by `make wheel`") from None
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][binary] = "verifyd/_bin/verifyd"
        build_data["force_include"][os.path.join(self.root, "..", "LICENSE")] = "verifyd/LICENSE"
