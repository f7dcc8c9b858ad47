from __future__ import annotations

import pytest

from fmnist_tui.doctor.logout import logout_check, what_a_logout_ends
from fmnist_tui.host.machine import Check, CheckState

from .conftest import Make
from .machines import PLAIN

SYSTEMD = "run/systemd/system/x"
"""There where systemd is the init system."""
SHIPPED = "[Login]\n#NAutoVTs=6\n#KillUserProcesses={}\n#KillExcludeUsers=root\n"
CONF, DROP_IN = "etc/systemd/logind.conf", "etc/systemd/logind.conf.d/50-kill.conf"
LINGER = "var/lib/systemd/linger/ada"

IN_SESSION = {SYSTEMD: "", "proc/self/cgroup": "0::/user.slice/user-1000.slice/session-3.scope\n"}
IN_MANAGER = {
    SYSTEMD: "",
    "proc/self/cgroup": "0::/user.slice/user-1000.slice/user@1000.service/app.slice/tmux-spawn-1.scope\n",
}
KILLS = {**IN_SESSION, CONF: "[Login]\nKillUserProcesses=yes\n"}


def test_on_a_plain_machine_nothing_is_to_be_feared(make: Make) -> None:
    machine = make()
    assert what_a_logout_ends(machine) is None
    assert logout_check(machine) == Check("logout", CheckState.OK, "detached runs continue after logout")


def test_where_systemd_kills_it_is_reported_with_what_to_do(make: Make) -> None:
    machine = make(files=KILLS)
    assert what_a_logout_ends(machine) == (
        "a logout ends runs (systemd's KillUserProcesses); "
        "run once: loginctl enable-linger; then start with: systemd-run --user --scope fmnist-tui"
    )
    row = logout_check(machine)
    assert (row.state, row.message) == (CheckState.NOTE, "a logout ends runs (systemd's KillUserProcesses)")


def test_lingering_does_not_save_what_is_in_the_session(make: Make) -> None:
    assert what_a_logout_ends(make(files={**KILLS, LINGER: ""})) == (
        "a logout ends runs (systemd's KillUserProcesses); start with: systemd-run --user --scope fmnist-tui"
    )


def test_settings_without_systemd_kill_nobody(make: Make) -> None:
    files = {path: text for path, text in KILLS.items() if path != SYSTEMD}
    assert what_a_logout_ends(make(files=files)) is None


def test_what_runs_outside_the_session_is_not_killed(make: Make) -> None:
    assert what_a_logout_ends(make(files={**KILLS, "proc/self/cgroup": "0::/system.slice/ssh.service\n"})) is None


def test_old_control_groups_are_read_too(make: Make) -> None:
    group = "3:cpu:/\n1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n"
    assert what_a_logout_ends(make(files={**KILLS, "proc/self/cgroup": group}))


def test_root_is_spared_unless_the_list_says_otherwise(make: Make) -> None:
    assert what_a_logout_ends(make(files=KILLS, user="root")) is None
    others = {**KILLS, CONF: "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n"}
    assert what_a_logout_ends(make(files=others, user="root"))


@pytest.mark.parametrize(
    ("settings", "kills"),
    [
        ("KillUserProcesses=yes", True),
        ("KillUserProcesses = true", True),
        ("KillUserProcesses=1", True),
        ("KillUserProcesses=on", True),
        ("KillUserProcesses=no", False),
        ("KillUserProcesses=", False),
        ("KillUserProcesses=yes\nKillUserProcesses=no", False),
        ("KillUserProcesses=yes\nKillExcludeUsers=root ada", False),
        ("KillUserProcesses=yes\nKillExcludeUsers=root\nKillExcludeUsers=ada", False),
        ("KillUserProcesses=yes\nKillExcludeUsers=ada\nKillExcludeUsers=", True),
        ("KillUserProcesses=yes\nKillOnlyUsers=bob", False),
        ("KillOnlyUsers=bob ada", True),
        ("#KillUserProcesses=no\nKillUserProcesses=yes", True),
        (";KillUserProcesses=yes", False),
        ("[Other]\nKillUserProcesses=yes", False),
        ("nonsense\n=\n[\nKillUserProcesses=yes", False),
        ("100 % nonsense\nKillUserProcesses=yes", True),
    ],
)
def test_the_settings_mean_what_logind_makes_of_them(make: Make, settings: str, kills: bool) -> None:
    machine = make(files={**IN_SESSION, CONF: f"[Login]\n{settings}\n"})
    assert (what_a_logout_ends(machine) is not None) is kills


@pytest.mark.parametrize(("default", "kills"), [("no", False), ("yes", True)])
def test_a_comment_states_the_default_that_it_was_built_with(make: Make, default: str, kills: bool) -> None:
    machine = make(files={**IN_SESSION, CONF: SHIPPED.format(default)})
    assert (what_a_logout_ends(machine) is not None) is kills


def test_a_drop_in_has_the_last_word_and_the_last_drop_in_the_very_last(make: Make) -> None:
    on, off = "[Login]\nKillUserProcesses=yes\n", "[Login]\nKillUserProcesses=no\n"
    assert what_a_logout_ends(make(files={**IN_SESSION, CONF: off, DROP_IN: on}))
    later = "usr/lib/systemd/logind.conf.d/60-keep.conf"
    assert what_a_logout_ends(make(files={**IN_SESSION, CONF: off, DROP_IN: on, later: off})) is None


def test_a_drop_in_in_etc_hides_the_one_of_the_same_name(make: Make) -> None:
    shipped = "usr/lib/systemd/logind.conf.d/50-kill.conf"
    files = {**IN_SESSION, shipped: "[Login]\nKillUserProcesses=yes\n"}
    assert what_a_logout_ends(make(files=files))
    assert what_a_logout_ends(make(files={**files, DROP_IN: ""})) is None


def test_the_file_that_the_distribution_ships_counts_where_etc_has_none(make: Make) -> None:
    assert what_a_logout_ends(make(files={**IN_SESSION, "usr/lib/systemd/logind.conf": SHIPPED.format("yes")}))


def test_what_belongs_to_the_user_manager_ends_with_the_last_logout_unless_it_lingers(make: Make) -> None:
    assert what_a_logout_ends(make(files=IN_MANAGER)) == (
        "your last logout ends runs: systemd stops your user manager with all its processes; "
        "run once: loginctl enable-linger"
    )
    assert what_a_logout_ends(make(files={**IN_MANAGER, LINGER: ""})) is None


@pytest.mark.parametrize(
    ("variable", "job"), [("SLURM_JOB_ID", "Slurm job 77"), ("PBS_JOBID", "PBS job 77"), ("LSB_JOBID", "LSF job 77")]
)
def test_a_batch_job_takes_its_runs_along(make: Make, variable: str, job: str) -> None:
    warning = what_a_logout_ends(make(environ={**PLAIN, variable: "77"}, files=KILLS))
    assert (
        warning == f"runs end with {job}; request enough time; fmnist-tui resume RUN continues from the last checkpoint"
    )


def test_one_who_came_to_a_node_by_ssh_was_adopted_by_the_job(make: Make) -> None:
    group = "0::/system.slice/slurmstepd.scope/job_4711/step_extern/user/task_0\n"
    warning = what_a_logout_ends(make(files={"proc/self/cgroup": group}))
    assert warning is not None
    assert warning.startswith("runs end with Slurm job 4711;")


@pytest.mark.parametrize(
    ("stat", "ends"),
    [
        ("1 (bash) S 0 1 1 34816 1 4194560 0", True),
        ("1 (my (odd) shell) S 0 1 1 34816 1 4194560 0", True),
        ("1 (systemd) S 0 1 1 0 -1 4194560 0", False),
        ("1 (\x1b[2Jsh) S 0 1 1 34816 1 4194560 0", True),
        ("1 (sshd) S", False),
        ("", False),
    ],
)
def test_a_container_whose_first_process_is_a_shell_ends_with_it(make: Make, stat: str, ends: bool) -> None:
    warning = what_a_logout_ends(make(files={"proc/1/stat": stat}))
    assert (warning is not None) is ends
    if warning:
        name = stat.partition("(")[2].rpartition(")")[0]
        name = name.replace("\x1b", " ")
        assert warning.startswith(f"runs end with the first process of this container ({name}); detach")


def test_wsl_wants_a_window_left_open(make: Make) -> None:
    warning = what_a_logout_ends(make(files={"proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n"}))
    assert warning is not None
    assert "leave a WSL window open" in warning
