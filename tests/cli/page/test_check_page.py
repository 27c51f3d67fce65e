"""`personalize-relay check --page`: a line for everything that is wrong with a page, with what to do."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from starlette.responses import RedirectResponse, Response

from relay.cli.check.page.findings import Findings
from relay.core.bundled import bundled
from relay.web.routes.snippet_file import SnippetFile
from tests.cli.page.shop import Shop, shop
from tests.cli.test_serve import run
from tests.support.relay import relay_environ

CURRENT = SnippetFile.read(bundled("snippet"))


@pytest.fixture
async def site() -> AsyncGenerator[Shop]:
    async with shop() as running:
        yield running


def only(findings: Findings) -> str:
    """The one thing that was found."""
    [line] = [*findings.warnings, *findings.problems]
    return line


async def test_a_good_page_has_a_line_for_all_that_was_looked_at_and_nothing_to_do(site: Shop) -> None:
    findings = await site.findings(site.page())
    assert (findings.warnings, findings.problems) == ([], [])
    for expected in ("tag: there, once", f"hash {CURRENT.hash} is known", "token: good, of the site default"):
        assert any(expected in line for line in findings.good), findings.good
    assert "CSP: the page has none" in findings.good
    assert "items: 2 items in 1 list, 0 outside, 1 view" in findings.good


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<div data-relay-list><a data-relay-item="p1">', "lists: the list of p1 without data-relay-recommendation-id"),
        ('<a data-relay-item="p1">one</a><a data-relay-item="p2">', "items: p1, p2 in no data-relay-list"),
        (
            "<ul data-relay-list data-relay-recommendation-id=R><li data-relay-item=p1><li data-relay-item=p1></ul>",
            "lists: p1 more than once in R",
        ),
        ('<main data-relay-view=p1 data-relay-value="19,90 €">', "data-relay-value: '19,90 €' is no number"),
        ('<main data-relay-view=p1 data-relay-value="">', "data-relay-value: '' is no number"),
        ('<main data-relay-view="undefined">', "items: 'undefined' cannot be used as item ids"),
        (f'<main data-relay-view="{"x" * 257}">', "cannot be used as item ids"),
        (
            f'<div data-relay-list data-relay-recommendation-id="{"R" * 41}"><a data-relay-item=p1>',
            "is no recommendation id of the service",
        ),
        (
            '<div data-relay-list data-relay-recommendation-id=R data-relay-source="für"><a data-relay-item=p1>',
            "data-relay-source für is left out",
        ),
        ("<p>nothing</p>", "nothing has data-relay-item or data-relay-view"),
        ("<div data-relay-list data-relay-recommendation-id=R></div><main data-relay-view=p1>", "nothing in R has"),
    ],
)
async def test_what_is_marked_wrongly_is_named(site: Shop, body: str, expected: str) -> None:
    assert expected in only(await site.findings(site.page(body)))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("", "tag: the page has none"),
        ('<script data-token="x"></script>', "tag: it has no src"),
        ('<script type="module" async src="{src}" data-token="{token}"></script>', "tag: type="),
        ('<script src="{src}" data-token="{token}"></script>', "tag: without async the page waits"),
        ('<script async src="{src}"></script>', "token: there is nothing"),
        ('<script async src="{src}" data-token="forged.x.y"></script>', "token: not"),
        ('<script async src="{url}/r/s.0123456789abcdef.js" data-token="{token}"></script>', "knows the hash 0123"),
        ('<script async src="{url}/elsewhere/s.js" data-token="{token}"></script>', "script: HTTP 404"),
        (
            '<script async src="{url}/r/{pinned}" integrity="sha384-AAAA" crossorigin data-token="{token}"></script>',
            "script: integrity is another build's",
        ),
        (
            '<script async src="{url}/r/{pinned}" integrity="{digest}" data-token="{token}"></script>',
            'crossorigin="anonymous"',
        ),
    ],
)
async def test_what_is_wrong_with_the_tag_is_named(site: Shop, tag: str, expected: str) -> None:
    whole = tag.format(
        src=site.src,
        url=site.relay.url,
        token=site.relay.site_token,
        pinned=CURRENT.name,
        digest=CURRENT.integrity,
    )
    findings = await site.findings(site.page(tag=whole))
    lines = [*findings.warnings, *findings.problems]
    assert expected in lines[0], lines


async def test_a_pinned_tag_as_it_is_printed_is_in_order(site: Shop) -> None:
    more = f'integrity="{CURRENT.integrity}" crossorigin="anonymous"'
    findings = await site.findings(site.page(tag=site.tag(src=f"{site.relay.url}/r/{CURRENT.name}", more=more)))
    assert (findings.warnings, findings.problems) == ([], [])


async def test_a_tag_that_is_there_twice_is_a_problem(site: Shop) -> None:
    assert "2 times" in only(await site.findings(site.page(tag=site.tag() * 2)))


async def test_tags_in_comments_and_templates_do_not_count(site: Shop) -> None:
    findings = await site.findings(site.page(tag=f"<!-- {site.tag()} --><template>{site.tag()}</template>"))
    assert "tag: the page has none" in findings.problems[0]


async def test_a_relay_that_is_not_there_is_said_for_script_and_beacons(site: Shop) -> None:
    findings = await site.findings(site.page(tag=site.tag(src="http://127.0.0.1:9/r/s.js")))
    assert [line.partition(":")[0] for line in findings.problems] == ["script", "beacons"]


async def test_an_origin_that_only_the_settings_allow_is_refused_by_the_relay_and_said_so(site: Shop) -> None:
    url = site.page().replace("127.0.0.1", "localhost")
    findings = await site.findings(url, allowed_origins=url.rstrip("/"))
    assert "add it to RELAY_ALLOWED_ORIGINS there" in only_problem(findings)


def only_problem(findings: Findings) -> str:
    [line] = findings.problems
    return line


async def test_a_token_of_another_site_is_told_with_the_site_the_page_is_of(site: Shop, tmp_path: Path) -> None:
    config = tmp_path / "relay.toml"
    config.write_text(
        f'[sites.fr]\ntracking_id = "00000000-0000-0000-0000-000000000001"\nallowed_origins = ["{site.origin}"]\n'
    )
    code, out, err = await run(
        "check",
        "--config",
        str(config),
        "--page",
        site.page(),
        **relay_environ(),
    )
    assert code == 1, err
    assert "token: good, of the site default" in out
    assert "`personalize-relay snippet --site fr`" in err


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'", ["CSP: default-src stops the script", "CSP: default-src stops the beacons"]),
        ("script-src 'self'", ["CSP: script-src stops the script"]),
        ("connect-src 'self'", ["CSP: connect-src stops the beacons"]),
        ("script-src {relay}; connect-src {relay}", []),
        ("script-src 'nonce-abc' 'strict-dynamic'", []),
        ("script-src {relay} 'strict-dynamic' 'nonce-other'", ["CSP: script-src stops the script"]),
        ("script-src-elem {relay}; script-src 'none'", []),
        ("script-src http:; connect-src *", []),
        ("script-src {relay}/elsewhere/", ["CSP: script-src stops the script"]),
        ("script-src {relay}, script-src 'none'", ["CSP: script-src stops the script"]),
    ],
)
async def test_a_policy_that_stops_script_or_beacons_is_named(site: Shop, policy: str, expected: list[str]) -> None:
    text = policy.format(relay=site.relay.url)
    findings = await site.findings(site.page(tag=site.tag(more='nonce="abc"'), content_security_policy=text))
    assert [line.partition(";")[0] for line in findings.problems] == expected
    in_page = f'<meta http-equiv="Content-Security-Policy" content="{text}">'
    findings = await site.findings(site.page(tag=site.tag(more='nonce="abc"'), head=in_page))
    assert [line.partition(";")[0] for line in findings.problems] == expected


async def test_names_that_ad_blockers_stop_and_relays_of_another_site_are_doubtful(site: Shop) -> None:
    tag = site.tag(more='data-endpoint="http://track.other.test/analytics/e"')
    findings = await site.findings(site.page(tag=tag))
    assert "stop beacons with analytics, track in the address" in findings.warnings[0]
    assert "another site than the page" in findings.warnings[1]


async def test_event_types_that_the_site_does_not_take_are_named(site: Shop) -> None:
    assert "AddToCart" in only(await site.findings(site.page(), event_types="View,Click"))


async def test_redirects_are_followed_to_the_page_and_its_origin(site: Shop) -> None:
    site.pages["/old"] = RedirectResponse(site.page())
    findings = await site.findings(f"{site.origin}/old")
    assert (findings.warnings, findings.problems) == ([], [])
    assert findings.good[0].startswith(f"page: {site.origin}/,")


async def test_a_page_that_is_not_there_is_one_problem(site: Shop) -> None:
    assert "answers HTTP 404" in only(await site.findings(f"{site.origin}/nowhere"))
    assert "127.0.0.1:9" in only(await site.findings("http://127.0.0.1:9/"))


async def test_what_a_page_writes_into_a_line_does_nothing_to_a_terminal(site: Shop) -> None:
    findings = await site.findings(site.page('<a data-relay-item="p1\x1b[2J\n\u202e">'))
    lines = [*findings.warnings, *findings.problems]
    assert lines
    assert all(line.isprintable() for line in lines)


async def test_bytes_that_are_no_text_and_charsets_nobody_knows_are_read_as_far_as_they_go(site: Shop) -> None:
    site.pages["/"] = Response(
        site.tag().encode() + b"\xff\x00<a data-relay-view=p1>", media_type="text/html; charset=x"
    )
    assert (await site.findings(f"{site.origin}/")).problems == []


@pytest.mark.process
@pytest.mark.parametrize("wrong", [("--browser",), ("--page", "shop.example"), ("--page", "file:///etc/passwd")])
async def test_wrong_use_is_code_2(wrong: tuple[str, ...]) -> None:
    code, out, err = await run("check", *wrong, **relay_environ())
    assert (code, out) == (2, "")
    assert "--page" in err


@pytest.mark.process
async def test_the_command_ends_by_what_it_found(site: Shop) -> None:
    code, out, err = await run("check", "--page", site.page(), **relay_environ(allowed_origins=site.origin))
    assert (code, err) == (0, "")
    assert "token: good" in out
    code, _, err = await run(
        "check",
        "--page",
        site.page("<main data-relay-view=p1 data-relay-value=x>"),
        **relay_environ(allowed_origins=site.origin),
    )
    assert (code, len(err.splitlines())) == (1, 1)
    code, _, err = await run("check", "--page", site.page("none"), **relay_environ(allowed_origins=site.origin))
    assert (code, err.startswith("warning: ")) == (0, True)
