"""Commands that run Ken: start, stop, check its state, and show the demo."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.data_dir import chosen_data_dir, command_settings
from workers.cli.output import counted, err, out, plain, print_json, table_of


def up() -> None:
    """Start PostgreSQL, Redis, a worker and, if Slack is set up, the bot; update the schema.

    The admin API, with SCIM, starts too if KEN_ADMIN_PORT is set. It listens on KEN_ADMIN_HOST,
    which is 127.0.0.1 unless you change it (docs/admin-api.md).

    Safe to repeat: a process that is already running is left alone, unless its settings have
    changed; then it is restarted.
    """
    from workers.cli import running

    with out.status("Starting…") as status:
        changes = running.up(chosen_data_dir(), lambda step: status.update(f"{step}…"))
    for change in changes:
        out.print(change, soft_wrap=True)
    out.print(
        "Ken is up. Next: [bold]ken load FOLDER[/], then [bold]ken ask[/]; "
        "[bold]ken status[/] shows what runs."
    )
    url = command_settings().admin_url
    out.print(
        f"The admin API answers at {plain(url)}; [bold]ken token create[/] makes a token for it."
        if url
        else "The admin API is off. To start it, set KEN_ADMIN_PORT (for example 3100) and run "
        "[bold]ken up[/] again."
    )
    if programs := command_settings().programs_url:
        out.print(
            f"Other programs ask at {plain(programs)}; [bold]ken person-token create[/] makes a "
            "token of a person."
        )


def down() -> None:
    """Stop what `ken up` started in this data folder, and nothing else. Data stays."""
    from workers.cli import running

    stopped = running.down(chosen_data_dir())
    out.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what is running and what is stored. Exit code 1 if something is wrong."""
    from workers.cli import running

    facts = running.status(chosen_data_dir())
    problems = facts["problems"]
    if as_json:
        print_json(facts)
        raise typer.Exit(1 if problems else 0)
    table = table_of("", "")
    for name, fact in facts.items():
        if name not in ("outdated", "problems"):
            shown = fact.items() if isinstance(fact, dict) else ()
            words = ", ".join(f"{one} {state}" for one, state in shown) or str(fact)
            table.add_row(name.replace("_", " "), plain(words))
    out.print(table)
    for problem in problems:
        out.print(f"[red]{plain(problem)}[/]", soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


def doctor(
    production: Annotated[
        bool,
        typer.Option(
            "--production",
            help="List settings that are fine for a trial but not for production, as failures.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check each dependency: its version, whether it answers, and what to do if it does not.

    Exit code 1 if a check fails. Marked !!: fine for a trial; refused when KEN_PRODUCTION is true.
    """
    from dataclasses import asdict

    from workers.cli.doctor import examine

    findings = []
    table = table_of("", "check", "found", "what to do")
    for finding in examine(chosen_data_dir(), production=production):
        findings.append(finding)
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
        if finding.ok and finding.warns:
            mark = "[yellow]!![/]"
        table.add_row(mark, finding.check, plain(finding.found), plain(finding.remedy))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        out.print(table)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def migrate() -> None:
    """Update the database's schema, as its owner. `ken up` does this by itself."""
    from workers.database.requirements import HEAD
    from workers.database.schema import migrate as run

    run(command_settings())
    out.print(f"The schema is at {HEAD}.")


def provision() -> None:
    """Create the database, its extension and the roles on your own server; safe to repeat.

    Set KEN_SUPERUSER_URL and the five passwords for this command alone. `ken migrate` comes next.
    """
    from workers.cli.provisioning import provision_server

    name = provision_server(command_settings())
    out.print(f"The database {plain(name)} and its roles are there. Next: [bold]ken migrate[/].")


def backup(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A folder that is not there yet. Default: ken-backup- and the time, here."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Save the database in a folder, as it is at one moment, while questions go on.

    It holds all documents: protect it as you protect them. With your own server, set
    KEN_SUPERUSER_URL for this command. Example: ken backup /backups/ken-monday.
    """
    from dataclasses import asdict

    from workers.cli import saving

    folder = folder or saving.default_folder()
    with err.status("Saving…") as status:
        made = saving.save(command_settings(), folder, lambda step: status.update(f"{step}…"))
    if as_json:
        print_json({"folder": str(folder), **asdict(made)})
        return
    out.print(
        f"Saved in {plain(str(folder))}: {counted(sum(made.rows.values()), 'row')}, "
        f"{made.bytes / 1e6:,.1f} MB, as of {saving.when(made)}.",
        soft_wrap=True,
    )
    out.print(f"Not in it: {saving.LEFT_OUT}.", soft_wrap=True)


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that ken backup made.")],
    pauses: Annotated[
        bool,
        typer.Option(
            "--pause-sources",
            help="Answer from no source until you resume it: revocations since the backup are "
            "not in it.",
        ),
    ] = False,
) -> None:
    """Put a backup into a new data folder, or into the empty database of your own server.

    All of it is checked first, and nothing is changed unless all of it comes back. Example:
    ken --home ./new restore /backups/ken-monday.
    """
    from workers.cli import saving

    with err.status("Checking the backup…") as status:
        made, to_know = saving.restore(
            command_settings(),
            folder,
            pauses=pauses,
            progress=lambda step: status.update(f"{step}…"),
        )
    out.print(
        f"Restored: {counted(sum(made.rows.values()), 'row')}, as of {saving.when(made)}.",
        soft_wrap=True,
    )
    for words in to_know:
        out.print(plain(words), soft_wrap=True)
    out.print("Next: [bold]ken up[/]; restart what runs elsewhere.")


def worker(
    takes_jobs: Annotated[
        bool, typer.Option("--jobs", help="Take long work instead of questions.")
    ] = False,
) -> None:
    """Run a worker in the foreground. `ken up` starts one, and one for jobs; a deployment starts
    many.
    """
    if takes_jobs:
        from workers.cli.jobs_worker import work_on_jobs

        work_on_jobs(command_settings())
        return
    from workers.cli.running import work

    work(command_settings())


def admin() -> None:
    """Run the admin API in the foreground. `ken up` starts it if KEN_ADMIN_PORT is set."""
    from workers.cli.admin import serve

    serve(command_settings())


def doors() -> None:
    """Run the doors for other programs. `ken up` starts them if KEN_DOORS_PORT is set."""
    from workers.cli.doors import serve

    serve(command_settings())


def mcp() -> None:
    """Pass an MCP client's calls on to Ken, over standard input and output.

    Set KEN_PERSON_TOKEN, and KEN_DOORS_URL if Ken runs elsewhere. docs/programs.md has an example.
    """
    from workers.cli.doors import relay

    relay(command_settings())


def demo() -> None:
    """Load the demo company and ask one question as three people. `make demo` runs this."""
    from workers.cli.demo import run

    run(chosen_data_dir(), out)
