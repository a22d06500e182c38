"""`http`: where requests may go, what is sent, what comes back, and what a server cannot do to the broker."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from http_server import Asked, HttpServer
from peers import free_port
from rig import wait_until

from kraken_hooks import settings
from kraken_hooks.api.url import parse
from kraken_hooks.errors import HookUsageError, QueryFailed, SettingsError
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks.allow import AllowList
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, Result
from kraken_hooks.sinks.exchange import Forbidden, Rules
from kraken_hooks.sinks.http import Http, HttpReader, HttpSettings
from kraken_hooks.sinks.web import Web


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with closing(HttpServer()) as made:
        yield made


def web(allow: str, **options: Any) -> Web:
    allowed = AllowList(allow)
    return Web(Rules(allowed.names, allowed.reaches), **options)


def send(sent_by: Web, url: str, op: str = "post", **args: Any) -> Result:
    with closing(Http(sent_by, patience=5.0)) as sink:
        effect = Effect("http", op, {"url": url, "headers": {}, **args})
        return sink.deliver([QueuedEffect(1, "m-1/a.py:a/0", "a.py:a", "m-1", 0, effect)])[0]


def get(asked_by: Web, url: str, limit: float = 5.0) -> Any:
    from kraken_hooks.api.http import GetArgs

    with closing(HttpReader(asked_by, limit)) as reader:
        return reader.ask("get", GetArgs(url, {}))


class TestUrls:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("HTTP://Example.COM", "http://example.com/"),
            ("https://example.com:443/a", "https://example.com/a"),
            ("http://example.com:8080", "http://example.com:8080/"),
            ("http://example.com./a//b/../c/./d", "http://example.com/a/c/d"),
            ("http://example.com/../../a", "http://example.com/a"),
            ("http://example.com/%7Ea%2fb", "http://example.com/~a%2Fb"),
            ("http://example.com/a?q=1#part", "http://example.com/a?q=1"),
            ("http://[::0001]/", "http://[::1]/"),
            ("http://127.0.0.1/é", "http://127.0.0.1/%C3%A9"),
        ],
    )
    def test_one_spelling(self, written, meant):
        assert parse(written).text == meant
        assert parse(meant).text == meant

    @pytest.mark.parametrize(
        "url",
        [
            "", "example.com", "ftp://example.com/", "file:///etc/passwd", "//example.com/", "http:/example.com",
            "http://user@example.com/", "http://user:pw@example.com/", "http://allowed.example@evil.example/",
            "http://example.com\\@evil.example/", "http://example.com\\.evil.example/", "http://exa mple.com/",
            "http://example.com/\r\nHost: evil.example", "http://example.com\t/", "http://2130706433/", "http://0x7f.0.0.1/",
            "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1.2/", "http://[::1/", "http://[fe80::1%25eth0]/",
            "http://example.com:0/", "http://example.com:65536/", "http://example.com:1e3/", "http://ex\u0430mple.com/",
            "http:///path", "http://.example.com/", "http://a..b/", "http://example.com/a/%2e%2e/b%2f..%2fc", "http://example.com/%zz",
            "http://example.com/%252e%252e/", "http://example.com/..;/admin", "http://" + "a" * 300 + ".com/", "http://e.com/" + "a" * 9000,
        ],
    )  # fmt: skip
    def test_what_programs_read_in_different_ways_is_refused(self, url):
        with pytest.raises(HookUsageError):
            parse(url)


class TestAllowList:
    @pytest.mark.parametrize(
        ("entry", "url", "named"),
        [
            ("https://api.example.com/v1/", "https://api.example.com/v1/readings", True),
            ("https://api.example.com/v1/", "https://api.example.com/v1", True),
            ("https://api.example.com/v1", "https://api.example.com/v1x", False),
            ("https://api.example.com/v1/", "https://api.example.com/v1/../v2", False),
            ("https://api.example.com/v1/", "https://api.example.com/v1/%2e%2e/v2", False),
            ("https://api.example.com", "http://api.example.com/", False),
            ("https://api.example.com", "https://api.example.com:8443/", False),
            ("https://api.example.com", "https://API.example.com./x", True),
            ("https://api.example.com", "https://api.example.com.evil.example/", False),
            ("https://*.example.com", "https://a.example.com/", True),
            ("https://*.example.com", "https://a.b.example.com/", False),
            ("https://*.example.com", "https://example.com/", False),
            ("https://api-*.example.com", "https://api-7.example.com/", True),
            ("http://192.168.0.5:8080/", "http://192.168.0.5:8080/x", True),
            ("http://[fd00::5]:8080/", "http://[fd00:0::5]:8080/x", True),
        ],
    )
    def test_prefixes(self, entry, url, named):
        assert AllowList(f"https://other.example, {entry}").names(parse(url)) is named

    @pytest.mark.parametrize(
        "text", ["", " , ", "example.com", "ftp://example.com", "https://a/?q=1", "https://a/*", "http*://a"]
    )
    def test_what_is_no_prefix_is_named_at_start(self, text):
        if text.strip(" ,"):
            with pytest.raises(SettingsError, match="KRAKENB_HTTP_ALLOW"):
                settings.read({"KRAKENB_HTTP_ALLOW": text}, {"http": HttpSettings})
        else:
            with pytest.raises(ValueError, match="at least one"):
                AllowList(text)

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1",
            "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
            "2002:7f00:1::", "::", "ff02::1", "100.100.100.200", "255.255.255.255", "::127.0.0.1",
        ],
    )  # fmt: skip
    def test_inner_addresses_are_not_reached_by_a_wildcard(self, address):
        assert not AllowList("https://*.example.com").reaches(parse("https://a.example.com/"), address)

    def test_inner_addresses_are_reached_where_the_very_host_is_named(self):
        allowed = AllowList("https://panel.example.com")
        assert allowed.reaches(parse("https://panel.example.com/"), "192.168.0.5")
        assert allowed.reaches(parse("https://panel.example.com/"), "127.0.0.1")

    def test_metadata_services_are_reached_by_their_very_address_alone(self):
        assert not AllowList("http://metadata.example").reaches(parse("http://metadata.example/"), "169.254.169.254")
        assert AllowList("http://169.254.1.5").reaches(parse("http://169.254.1.5/"), "169.254.1.5")

    def test_the_internet_is_reached(self):
        assert AllowList("https://*.example.com").reaches(parse("https://a.example.com/"), "93.184.216.34")
        assert AllowList("https://*.example.com").reaches(parse("https://a.example.com/"), "2606:2800:220:1::1")


class TestRequests:
    def test_what_is_sent(self, server):
        url = f"{server.url}/in?a=1"
        result = send(web(server.url), url, "put", text="é", headers={"X-Key": "abc", "Content-Type": "text/plain"})
        assert result == Delivered()
        [asked] = server.asked
        assert (asked.method, asked.path, asked.body) == ("PUT", "/in?a=1", "é".encode())
        assert asked.headers["x-key"] == "abc"
        assert (
            asked.headers["idempotency-key"] == "m-1/a.py%3Aa/0" or asked.headers["idempotency-key"] == "m-1/a.py:a/0"
        )
        assert asked.headers["accept-encoding"] == "identity"

    def test_a_url_outside_the_list_is_refused_and_nothing_is_sent(self, server):
        result = send(web(f"{server.url}/in"), f"{server.url}/out?key=hidden-part", data=b"x")
        assert result == Refused(f"{server.url}/out is not in KRAKENB_HTTP_ALLOW")
        assert server.asked == []

    def test_the_address_that_was_allowed_is_the_one_that_is_connected_to(self, server):
        """A name that is first at a harmless address and then at this machine's: looked up once, and judged."""
        answers = [["93.184.216.34"], ["127.0.0.1"]]

        def resolve(_host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop()]

        rebinding = web(f"http://*.example.com:{server.port}", resolve=resolve)
        result = send(rebinding, f"http://a.example.com:{server.port}/", data=b"x")
        assert isinstance(result, Refused)
        assert "is at 127.0.0.1, which is not an address of the internet" in result.reason
        assert len(answers) == 1, "looked up once"
        assert server.connections == 0

    def test_reasons_hold_no_query_and_no_header(self, server):
        server.answer = lambda asked: (400, {}, asked.headers["authorization"].encode())
        headers = {"Authorization": "Bearer hidden-token"}
        result = send(web(server.url), f"{server.url}/?key=hidden-part", data=b"x", headers=headers)
        assert isinstance(result, Refused)
        assert "hidden" not in result.reason

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_inside_the_list_keeps_method_and_body(self, server, status):
        server.answer = lambda asked: (status, {"Location": "/there"}, b"") if asked.path == "/here" else (200, {}, b"")
        assert send(web(server.url), f"{server.url}/here", data=b"x") == Delivered()
        assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [
            ("POST", "/here", b"x"),
            ("POST", "/there", b"x"),
        ]

    def test_a_redirect_out_of_the_list_is_refused(self, server):
        with closing(HttpServer()) as other:
            server.answer = lambda _asked: (307, {"Location": f"{other.url}/inner"}, b"")
            result = send(web(server.url), f"{server.url}/", data=b"x")
            assert result == Refused(f"{other.url}/inner is not in KRAKENB_HTTP_ALLOW")
            assert other.asked == []

    def test_a_redirect_to_another_host_leaves_credentials_behind(self, server):
        with closing(HttpServer()) as other:
            server.answer = lambda _asked: (307, {"Location": f"{other.url}/"}, b"")
            headers = {"Authorization": "Bearer hidden-token", "X-Api-Key": "hidden", "Content-Type": "text/plain"}
            assert send(web(f"{server.url},{other.url}"), f"{server.url}/", data=b"x", headers=headers) == Delivered()
            [asked] = other.asked
            assert "hidden" not in json.dumps(asked.headers)
            assert asked.headers["content-type"] == "text/plain"

    def test_redirects_without_end_are_given_up(self, server):
        server.answer = lambda _asked: (302, {"Location": "/"}, b"")
        assert isinstance(send(web(server.url), server.url, data=b"x"), Refused)
        assert len(server.asked) == 6

    def test_cookies_are_not_kept(self, server):
        server.answer = lambda _asked: (200, {"Set-Cookie": "a=b"}, b"")
        same = web(server.url)
        for _ in range(2):
            same.send("GET", parse(server.url), {}, None, 5.0, 10)
        assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]


class TestAnswers:
    def test_what_comes_back(self, server):
        server.answer = lambda _asked: (404, {"X-Kind": "none"}, b'{"a": 1}')
        answer = get(web(server.url), server.url)
        assert (answer["status"], answer["body"], answer["headers"]["x-kind"]) == (404, b'{"a": 1}', "none")

    def test_an_answer_without_end_is_cut_off(self, server):
        def flood(connection: Any) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(200):
                connection.sendall(b"x" * 65_536)

        server.raw = flood
        with pytest.raises(QueryFailed, match="more than 4 MiB"):
            get(web(server.url), server.url)

    def test_a_compressed_answer_is_not_unpacked(self, server):
        server.answer = lambda _asked: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")
        with pytest.raises(QueryFailed, match="compressed"):
            get(web(server.url), server.url)

    @pytest.mark.parametrize(
        "head",
        [b"Content-Length: 1000\r\n\r\n", b"\r\n", b"Connection: close\r\n\r\n", b"X-Long: "],
        ids=["length", "no length", "close", "headers"],
    )
    def test_a_byte_now_and_then_gains_nothing(self, server, head):
        def drip(connection: Any) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + head)
            for _ in range(200):
                time.sleep(0.05)
                connection.sendall(b"x")

        server.raw = drip
        began = time.monotonic()
        with pytest.raises(QueryFailed, match="no answer in time"):
            get(web(server.url), server.url, limit=0.5)
        assert time.monotonic() - began < 8, "ten seconds, were the server let to have its way"

    def test_what_is_no_http_is_an_error_and_no_crash(self, server):
        server.raw = lambda connection: connection.sendall(b"\0" * 100 + b"\r\n\r\n")
        with pytest.raises(QueryFailed):
            get(web(server.url), server.url)

    def test_statuses(self, server):
        for status, kind in ((204, Delivered), (400, Refused), (404, Refused), (429, NotNow), (503, NotNow)):
            server.answer = lambda _asked, status=status: (status, {"Retry-After": "7"}, b"")
            result = send(web(server.url), server.url, data=b"x")
            assert type(result) is kind
            if isinstance(result, NotNow):
                assert result.retry_after == 7


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1, signed by itself; the key is in the same file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    made = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    key = file.with_suffix(".key")
    subprocess.run(["openssl", "req", "-x509", *made, "-keyout", key, "-out", file], check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


class TestTls:
    @pytest.fixture
    def secure(self, certificate) -> Iterator[HttpServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with closing(HttpServer(tls=context)) as made:
            yield made

    def test_a_server_is_believed_by_its_certificate_alone(self, secure, certificate):
        result = send(web(secure.url), secure.url, data=b"x")
        assert isinstance(result, NotNow)
        assert result.reason.startswith(f"{secure.url}: no TLS connection: ")
        assert secure.asked == []
        trusted = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
        assert send(web(secure.url, certificates=trusted), secure.url, data=b"x") == Delivered()


#: A busy machine imports a client slowly; it is no matter here.
UNHURRIED = {"KRAKENB_REPLY_WAIT": "30", "KRAKENB_HOOK_TIMEOUT": "30"}

HOOK = """
from kraken_hooks import http, on

@on(collector="tell")
def tell(msg):
    http.post("ADDRESS/in", json={"said": msg.text})
    answer = http.get("ADDRESS/limit", params={"unit": "C"})
    return {"status": answer.status, "limit": answer.json["limit"], "again": http.ask("ADDRESS/limit", data="?").text}

@on(collector="out")
def out(msg):
    http.get("http://127.0.0.1:1/")
"""


def test_a_hook_asks_and_sends(start, server):
    server.answer = lambda asked: (200, {}, b'{"limit": 35}' if asked.path.startswith("/limit") else b"")
    hooks = {"tell.py": HOOK.replace("ADDRESS", server.url)}
    broker = start(hooks, KRAKENB_HTTP_ALLOW=f"{server.url}/", KRAKENB_QUERY_TIMEOUT="10", **UNHURRIED)
    reply = json.loads(broker.client.send("hello", collector="tell").payload)
    assert reply == {"status": 200, "limit": 35, "again": '{"limit": 35}'}
    told: list[Asked] = []
    wait_until(lambda: told.extend(asked for asked in server.asked if asked.path == "/in") or told, "the effect")
    assert json.loads(told[0].body) == {"said": "hello"}
    assert [asked.path for asked in server.asked if asked.method == "GET"] == ["/limit?unit=C"]
    refused = broker.client.send(collector="out")
    assert refused.metadata["failed"] == ["tell.py:out"]
    assert "http://127.0.0.1:1/ is not in KRAKENB_HTTP_ALLOW" in broker.wait_for("hook.failed")["error"]


def test_without_the_list_a_hook_is_told_what_to_set(start):
    broker = start({"tell.py": HOOK.replace("ADDRESS", "http://127.0.0.1:1")})
    broker.client.send("hello", collector="tell")
    assert "set KRAKENB_HTTP_ALLOW" in broker.wait_for("hook.failed")["error"]


def test_a_dead_server_fails_the_run_that_asks_and_no_other(start):
    port = free_port()
    hook = HOOK.replace("ADDRESS", f"http://127.0.0.1:{port}")
    other = 'from kraken_hooks import on\n@on(collector="other")\ndef other(msg):\n    return "well"\n'
    hooks = {"tell.py": hook, "other.py": other}
    broker = start(hooks, KRAKENB_HTTP_ALLOW=f"http://127.0.0.1:{port}", KRAKENB_QUERY_TIMEOUT="10", **UNHURRIED)
    assert broker.client.send("hello", collector="tell").metadata["failed"] == ["tell.py:tell"]
    assert "http.get: no connection" in broker.wait_for("hook.failed")["error"]
    assert broker.client.send(collector="other").text == "well"


def test_forbidden_is_not_taken_for_a_server_that_is_down():
    with pytest.raises(Forbidden):
        web("https://api.example.com").send("GET", parse("https://other.example.com/"), {}, None, 1.0, 10)
