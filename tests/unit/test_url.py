"""URLs of hooks: one spelling, and the list of where they may lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_hooks.api.url import parse
from kraken_hooks.errors import HookUsageError
from kraken_hooks.sinks.allow import AllowList


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("HTTP://ExAmple.COM:80/a/../b//c/./d/?x=1#part", "http://example.com/b/c/d/?x=1"),
        ("https://a.b.", "https://a.b/"), ("https://a:443?q", "https://a/?q"), ("http://a:/x", "http://a/x"),
        ("http://a/%7euser/%2e%2e/x%2Fy", "http://a/x%2Fy"), ("http://a/é?ü=1&b=%c3", "http://a/%C3%A9?%C3%BC=1&b=%C3"),
        ("https://[0:0::1]:8443", "https://[::1]:8443/"), ("http://127.0.0.1.", "http://127.0.0.1/"),
        ("http://a/../../b/..", "http://a/"), ("http://a_b.c/d;v=1/e", "http://a_b.c/d;v=1/e"),
    ],
)  # fmt: skip
def test_a_url_has_one_spelling(written, spelt):
    assert parse(written).text == spelt


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("ftp://a/", "beginning with http"), ("/path", "beginning with http"), ("http:a", "beginning with http"), ("", "beginning with http"),
        ("http://user:pw@a/", "user"), ("http://a@b/", "user"), ("http://a\\@b/", "backslashes"), ("http://a/b c", "spaces"),
        ("http://a\n.b/", "control"), ("http://2130706433/", "four numbers"), ("http://0x7f000001/", "four numbers"),
        ("http://0177.0.0.1/", "four numbers"), ("http://127.1/", "four numbers"), ("http://1.2.3.4.5/", "four numbers"),
        ("http://a.0x/", "four numbers"), ("http://[fe80::1%25eth0]/", "IPv6"), ("http://[::1/", "cannot be read"), ("http://[x]/", "IPv6"),
        ("http://é.example/", "xn--"), ("http://a%2eb/", "no host"), ("http://%61/", "no host"), ("http:///x", "no host"), ("http://a..b/", "no host"),
        ("http://-a/", "no host"), ("http://a:0/", "port"), ("http://a:65536/", "port"), ("http://a:1:2/", "cannot be read"),
        ("http://a/%zz", "hexadecimal"), ("http://a/..%2fb", "hides"), ("http://a/..;x/b", "hides"), ("http://a/%252e%252e/b", "hides"),
        ("http://a/..%5cb", "hides"), ("http://a/%2e%2e%00/b", "hides"), ("http://a/" + "x" * 9000, "longer"),
    ],
)  # fmt: skip
def test_what_programs_read_differently_is_refused(written, reason):
    with pytest.raises(HookUsageError) as raised:
        parse(written)
    assert reason in str(raised.value)
    assert "pw" not in str(raised.value)


@given(st.text(st.sampled_from(list("/.%2eEfF5cC;\\?#:@ab*é \0")), max_size=30))
def test_the_spelling_is_stable_and_stays_on_its_host(rest):
    try:
        url = parse(f"https://host.example/{rest}")
    except HookUsageError:
        return
    assert parse(url.text) == url
    assert (url.host, url.port) == ("host.example", 443)
    assert "//" not in url.path
    assert ".." not in url.path.split("/")


@given(st.text(st.sampled_from(list("/.%2eEfF5cC;?#:@[]ab*x-_0é")), max_size=30))
def test_no_spelling_gets_out_of_a_prefix(rest):
    allowed = AllowList("https://host.example/api/")
    try:
        url = parse(f"https://host.example/api/{rest}")
    except HookUsageError:
        return
    assert allowed.names(url) == (url.path == "/api" or url.path.startswith("/api/"))


LIST = AllowList(
    "https://api.example.com/v1/, http://*.dev-*.example.com:8080, http://192.168.0.5,http://localhost:9000/x"
)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1", "https://API.example.com:443/v1/x?y", "https://api.example.com/v2/../v1/x", "https://api.example.com./v1/",
        "http://a.dev-1.example.com:8080/", "http://192.168.0.5/any", "http://localhost:9000/x/y",
    ],
)  # fmt: skip
def test_what_the_list_names(url):
    assert LIST.names(parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1/", "https://api.example.com:8443/v1/", "https://api.example.com/v10", "https://api.example.com/v1/../v2",
        "https://api.example.com/", "https://api.example.com.evil.example/v1/", "https://evil-api.example.com/v1/", "https://example.com/v1/",
        "http://a.b.dev-1.example.com:8080/", "http://dev-1.example.com:8080/", "http://a.dev.example.com:8080/", "http://192.168.0.50/",
        "http://localhost:9000/", "http://localhost:9000/xy", "http://localhost/x",
    ],
)  # fmt: skip
def test_what_the_list_does_not_name(url):
    assert not LIST.names(parse(url))


@pytest.mark.parametrize(
    "entry", ["example.com", "*", "ftp://a/", "https://a/*", "https://a/?x", "https://u@a/", "h*p://a/", "https://[*]/", "https://a:x/", "https://*é.b/", ","]
)  # fmt: skip
def test_an_entry_that_is_no_prefix_is_an_error(entry):
    with pytest.raises(ValueError, match=r"prefix|host|http|port|user|read|form|IPv6"):
        AllowList(entry)


PUBLIC = ["93.184.216.34", "2606:2800:220:1::1"]
INNER = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.9", "100.64.0.1", "198.18.0.1", "192.0.2.1", "240.0.0.1",
    "::1", "fc00::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1", "::7f00:1",
]  # fmt: skip
LITERAL = [
    "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16", "::", "fe80::1", "fe80::1%eth0", "ff02::1",
    "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_may_be_reached(address):
    assert AllowList("https://*.example.com").reaches(parse("https://a.example.com/"), address)


@pytest.mark.parametrize("address", INNER + LITERAL)
def test_a_name_that_a_wildcard_lets_through_leads_to_no_inner_address(address):
    assert not AllowList("https://*.example.com").reaches(parse("https://a.example.com/"), address)


@pytest.mark.parametrize("address", INNER)
def test_a_host_that_the_list_says_in_full_may_be_in_the_local_network(address):
    assert AllowList("https://*.example.com, https://a.example.com/x").reaches(parse("https://a.example.com/"), address)
    assert not AllowList("http://a.example.com").reaches(parse("https://a.example.com/"), address)


@pytest.mark.parametrize("address", LITERAL)
def test_metadata_services_and_the_like_are_reached_by_no_name(address):
    assert not AllowList("https://a.example.com").reaches(parse("https://a.example.com/"), address)


def test_an_address_that_is_in_the_list_itself_may_be_reached():
    assert AllowList("http://169.254.169.254").reaches(parse("http://169.254.169.254/"), "169.254.169.254")
    assert AllowList("http://[fe80::1]").reaches(parse("http://[fe80::1]/"), "fe80::1")
