# SPDX-License-Identifier: GPL-2.0
"""What a lab or a CI system is given: files that must keep up with profiles and verbs."""

import json
import re
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from ktlib import cli, exchange, lava, scenarios
from ktlib.errors import KtError
from ktlib.ktap import parse
from ktlib.outcome import Outcome
from ktlib.paths import Paths

PATHS = Paths.of_checkout()
ADDRESS = "https://example.org/f_revoke.git"
PROFILES = scenarios.load_run_profiles(PATHS.kernel_config)


def load(name: str) -> Any:
    """A YAML file of the repository."""
    return yaml.safe_load((PATHS.top / name).read_text())


class LavaTest(unittest.TestCase):
    def test_jobs(self) -> None:
        made = lava.jobs(PATHS.top, PROFILES, ADDRESS)
        self.assertEqual(set(made), set(PROFILES))
        for name, text in made.items():
            job = yaml.safe_load(text)
            self.assertEqual(job["job_name"], f"f_revoke {name}")
            definition = job["actions"][-1]["test"]["definitions"][0]
            self.assertEqual(definition["repository"], ADDRESS)
            self.assertRegex(definition["revision"], r"^[0-9a-f]{40}$")
            self.assertTrue((PATHS.top / definition["path"]).is_file())
            self.assertEqual(definition["parameters"], {"PROFILE": name})
            minutes = job["timeouts"]["job"]["minutes"]
            self.assertGreater(60 * minutes, PROFILES[name].total_deadline_s)

    def test_address_that_no_lab_can_reach(self) -> None:
        with self.assertRaisesRegex(KtError, "'/srv/here' is no address"):
            lava.jobs(PATHS.top, PROFILES, "/srv/here")

    def test_definition_takes_what_the_jobs_give(self) -> None:
        definition = load(".ci/lava-test.yaml")
        self.assertEqual(list(definition["params"]), ["PROFILE"])
        run, results = definition["run"]["steps"]
        self.assertTrue(run.endswith('.ci/run run PROFILE="$PROFILE"'), run)
        self.assertTrue(results.endswith("scripts/kt lava results"), results)

    def test_results(self) -> None:
        text = "KTAP version 1\n1..3\nok 1 good\nnot ok 2 bad\nok 3 no # SKIP tired\n"
        told: list[tuple[str, str]] = []
        with TemporaryDirectory() as folder:
            exchange.write(Path(folder), exchange.sample(parse(text.splitlines()), Outcome.FAIL))
            count = lava.report(Path(folder), lambda case, result: told.append((case, result)))
        self.assertEqual(count, 5)
        self.assertEqual(
            told,
            [
                ("verdict", "fail"),
                ("boot", "pass"),
                ("good", "pass"),
                ("bad", "fail"),
                ("no", "skip"),
            ],
        )

    def test_machine_at_fault_is_no_result(self) -> None:
        told: list[str] = []
        with TemporaryDirectory() as folder:
            content = {"tests": [{"path": "", "status": "MISS"}]}
            (Path(folder) / exchange.KCIDB_FILE).write_text(json.dumps(content))
            lava.report(Path(folder), lambda case, result: told.append(result))
        self.assertEqual(told, ["unknown"])

    def test_no_run(self) -> None:
        with TemporaryDirectory() as folder, self.assertRaisesRegex(KtError, "has no kcidb.json"):
            lava.report(Path(folder))


class GitlabTest(unittest.TestCase):
    def test_every_profile_has_a_machine(self) -> None:
        matrix = load(".gitlab-ci.yml")["run"]["parallel"]["matrix"]
        self.assertEqual(matrix, [{"PROFILE": list(PROFILES)}])

    def test_verbs_are_those_of_make(self) -> None:
        jobs = {name: job for name, job in load(".gitlab-ci.yml").items() if "script" in job}
        self.assertEqual(set(jobs), {"check", "run", "long", "port"})
        verbs = set(jobs["long"]["parallel"]["matrix"][0]["VERB"])
        for job in jobs.values():
            found = re.fullmatch(
                r'\.ci/run (\w+|"\$VERB")(?: PROFILE="\$PROFILE"| BASE=v6.12)?', job["script"]
            )
            assert found, job["script"]
            verbs.add(found[1])
        self.assertLessEqual(verbs - {'"$VERB"'}, set(cli.VERBS))


class NeutralTest(unittest.TestCase):
    def test_no_host_is_named(self) -> None:
        files = (".gitlab-ci.yml", ".ci/run", ".ci/lava-job.yaml.in", ".ci/lava-test.yaml")
        for name in files:
            text = (PATHS.top / name).read_text()
            self.assertEqual(re.findall(r"://|\b[\w-]+\.(?:com|org|io|net)\b", text), [], name)
