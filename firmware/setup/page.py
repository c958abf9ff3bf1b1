"""The portal's pages as pieces of HTML, str or bytes; all text that is not this file's is escaped.

They load nothing, need no JavaScript, and follow the phone's light or dark scheme.
"""

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<link rel="icon" href="data:,"><title>Plexus set-up</title>'
)
# The bars of a signal are backgrounds; how many are strong is the class s1 to s4. In pieces, which
# find room in a heap that is no longer in one.
_STYLE = (
    b"""<style>
:root{--ground:#f1f3f7;--card:#fff;--ink:#161b26;--soft:#5b6475;--line:#d5dae4;--mark:#2f5bea;
--on:#fff;--bad:#b3261e;--badly:#fdecea;--good:#187a45}
@media(prefers-color-scheme:dark){:root{--ground:#0e1116;--card:#181d26;--ink:#e9edf5;
--soft:#9aa5b8;--line:#313949;--mark:#8ba6ff;--on:#0e1116;--bad:#ffb4ab;--badly:#3a1c1a;
--good:#7fd6a3}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:30rem;margin:0 auto;padding:1.5rem 1rem 3rem}
header{margin:0 .25rem 1.25rem}
h1{font-size:1.6rem;line-height:1.2;letter-spacing:-.02em;margin:0 0 .25rem}
header p,small,footer,legend+p{color:var(--soft)}""",
    b"""header p,legend+p{margin:0}
fieldset,section{border:1px solid var(--line);border-radius:14px;background:var(--card);
margin:0 0 1rem;padding:1rem;min-width:0}
legend{float:left;width:100%;font-weight:650;padding:0;margin:0 0 .6rem}
legend+*{clear:both}
h2{font-size:1rem;margin:0 0 .6rem}
.net{display:flex;align-items:center;gap:.7rem;min-height:2.9rem;border-top:1px solid var(--line);
overflow-wrap:anywhere}
.net:first-of-type{border:0}
.net b{flex:1;font-weight:500}
input[type=radio],input[type=checkbox]{accent-color:var(--mark);width:1.2rem;height:1.2rem;
margin:0;flex:none}
.wired{margin-top:.9rem}
.other{display:none}
#other:checked~.other{display:block}""",
    b"""i{--a:var(--line);--b:var(--line);--c:var(--line);--d:var(--line);width:20px;height:15px;flex:none;
background:linear-gradient(var(--a),var(--a)) 0 100%/4px 25%,
linear-gradient(var(--b),var(--b)) 5px 100%/4px 50%,
linear-gradient(var(--c),var(--c)) 10px 100%/4px 75%,
linear-gradient(var(--d),var(--d)) 15px 100%/4px 100%;background-repeat:no-repeat}
.s1,.s2,.s3,.s4{--a:var(--ink)}.s2,.s3,.s4{--b:var(--ink)}.s3,.s4{--c:var(--ink)}.s4{--d:var(--ink)}
.field{display:block;margin:.9rem 0 0;font-weight:500}
legend+.field{margin-top:0}
#other{position:absolute;margin:.85rem 0 0}
#other+.net{padding-left:1.9rem}
fieldset p{margin:.9rem 0 0}
.field input,select{display:block;width:100%;font:inherit;color:inherit;background:var(--ground);
border:1px solid var(--line);border-radius:10px;padding:.65rem .75rem;margin:.3rem 0 .2rem}""",
    b""":focus-visible{outline:2px solid var(--mark);outline-offset:1px}
small{display:block;font-weight:400}
.bad{color:var(--bad);font-weight:500}
.box{background:var(--badly);color:var(--bad);border-radius:14px;padding:.8rem 1rem;
margin:0 0 1rem}
.box label{display:flex;gap:.7rem;align-items:center;margin:.6rem 0 0;color:var(--ink)}
button{display:block;width:100%;font:inherit;font-weight:650;color:var(--on);
background:var(--mark);border:0;border-radius:12px;padding:.85rem}
a{color:var(--mark)}
ul,ol{list-style:none;margin:0;padding:0}
ol li{display:flex;align-items:center}
li{padding:.35rem 0;color:var(--soft);overflow-wrap:anywhere}
li b{color:var(--ink);font-weight:500}
ol li::before{content:"";flex:none;width:.7rem;height:.7rem;border-radius:50%;
border:2px solid var(--line);margin-right:.7rem}""",
    b"""ol .now,ol .done{color:var(--ink)}ol .now::before{border-color:var(--mark)}
ol .done::before{border-color:var(--good);background:var(--good)}
footer{font-size:.875rem;margin:1.25rem .25rem 0}
</style>""",
)

# (field, label, attributes of its input, what stands below it)
_NAME = (
    "other",
    "Name of the network",
    'maxlength="32" autocapitalize="none" autocorrect="off"',
    "",
)
_PASSWORD = (
    "wifi_password",
    "Password",
    'type="password" maxlength="64" autocapitalize="none"',
    "Empty for an open network, or to keep the one that the device knows.",
)
_KEY = (
    "api_key",
    "API key",
    'type="password" maxlength="256" autocapitalize="none" placeholder="plx_…"',
    "Plexus shows it once, when you make it.",
)
_SOURCE = (
    "source_id",
    "Name of this device",
    'required maxlength="256" autocapitalize="none" autocorrect="off"'
    ' pattern="[a-z0-9][a-z0-9._\\-]*" title="a-z, 0-9 and, not at the start, . _ -"',
    "Small letters, digits and . _ - &mdash; its readings appear under it.",
)
LABELS = {field[0]: field[1] for field in (_NAME, _PASSWORD, _KEY, _SOURCE)}
_STAGES = (
    ("joining", "Joining %s"),
    ("checking", "Asking Plexus whether it takes the key"),
    ("saved", "Saved, restarting, and beginning to send"),
)
_WAIT = (
    "<footer>The phone may lose %s for a moment, since the device changes to the channel of your "
    "network. If this page does not come back and %s has gone, all is well; if it is there again, "
    "join it to see what went wrong.</footer>"
)
_END = "</main></body></html>"


def escape(text):
    """A text as HTML, in elements and in attributes with double quotes."""
    for char, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "#39")):
        text = text.replace(char, "&" + entity + ";")
    return text


def form(view):
    """Pieces of the page with the form. `view`: a Portal."""
    yield from _top("Set up this device", view)
    yield '<form method="post" action="/" autocomplete="off" accept-charset="utf-8">'
    yield '<input type="hidden" name="token" value="%s">' % escape(view.token)
    error = view.error
    if error:
        yield '<div class="box" role="alert">'
        if error[0] in ("wifi_ssid", "wifi_password", "api_key", "source_id", "board"):
            yield "One more look, please: see the red line below."
        else:
            yield escape(_sentence(error[1]))
        if view.failed:
            yield '<label><input type="checkbox" name="unchecked" value="1">'
            yield "Save it all the same</label>"
        yield "</div>"
    yield from _networks(view)
    yield "<fieldset><legend>Plexus</legend>"
    kept = "The one that is known stays, unless you type another." if view.keeps_key else None
    yield from _field(_KEY, "", error, kept)
    yield from _field(_SOURCE, view.values["source_id"], error)
    yield "</fieldset>"
    yield from _board(view)
    yield "<button>Connect</button></form>"
    yield "<footer>%s closes %s.</footer>" % (escape(view.name), _minutes(view.left_ms()))
    yield _END


def progress(view):
    """Pieces of the page that shows how far a trial has come; it loads itself anew."""
    saved = view.stage == "saved"
    yield from _top("The device is set up" if saved else "Connecting", view, refresh=not saved)
    yield "<section><ol>"
    stages = _STAGES if view.ssid else _STAGES[-1:]  # saved untried
    reached = [stage[0] for stage in stages].index(view.stage)
    for number, (_, message) in enumerate(stages):
        state = "done" if number < reached or saved else "now" if number == reached else ""
        message = escape(message % view.ssid) if "%s" in message else message
        yield '<li class="%s">%s</li>' % (state, message)
    yield "</ol></section>"
    if saved:
        yield "<footer>You can close this page.</footer>"
    else:
        yield _WAIT % (escape(view.name), escape(view.name))
    yield _END


def note(title, message):
    """Pieces of a page with one thing to say."""
    yield from _top(title, None)
    yield "<section>%s</section>" % escape(message)
    yield '<p><a href="/">Back to the form</a></p>'
    yield _END


def _top(title, view, refresh=False):
    yield _HEAD
    if refresh:
        yield '<meta http-equiv="refresh" content="2">'
    yield from _STYLE
    yield "</head><body><main><header><h1>%s</h1>" % title
    if view:
        about = view.name + (" · " + view.title if view.title else "")
        yield "<p>%s</p>" % escape(about)
    yield "</header>"


def _networks(view):
    error = view.error
    chosen = view.values["network"]
    yield "<fieldset><legend>WiFi network</legend>"
    required = "" if view.wired else " required"
    for ssid, level, is_open in view.networks:
        ticked = " checked" if ssid == chosen else ""
        yield '<label class="net"><input type="radio" name="network" value="%s"%s%s>' % (
            escape(ssid),
            required,
            ticked,
        )
        yield "<b>%s</b>%s" % (escape(ssid), "<small>open</small>" if is_open else "")
        yield '<i class="s%d" role="img" aria-label="signal %d of 4"></i></label>' % (level, level)
    # The input behind it shows itself when it is chosen: they have to be siblings.
    other = not view.networks or view.values["other"]
    yield '<input type="radio" name="network" value="" id="other"%s%s>' % (
        required,
        " checked" if other else "",
    )
    yield '<label class="net" for="other"><b>Another network</b></label>'
    yield '<div class="other">'
    yield from _field(_NAME, view.values["other"], error)
    yield "</div>"
    yield from _line(error, "wifi_ssid")
    yield from _field(_PASSWORD, "", error)
    if view.wired:
        yield '<label class="net wired"><input type="checkbox" name="wired" value="1"%s>' % (
            " checked" if view.values["wired"] else ""
        )
        yield "<b>No WiFi: it has a network cable</b></label>"
    yield '<p><a href="/scan">Look for networks again</a></p></fieldset>'


def _board(view):
    names = view.boards()
    chosen = view.values["board"]
    if len(names) > 1:
        yield '<fieldset><legend>Board</legend><select name="board" aria-label="Board">'
        for name in names:
            picked = " selected" if name == chosen else ""
            yield "<option%s>%s</option>" % (picked, escape(name))
        yield "</select>"
        yield from _line(view.error, "board")
        yield "</fieldset>"
    yield "<section><h2>Sensors found</h2><ul>"
    for name, where in view.sensors:
        yield "<li><b>%s</b> %s</li>" % (escape(name), escape(where))
    if not view.sensors:
        yield "<li>None on its I2C buses. They can be plugged in later.</li>"
    yield "</ul></section>"


def _field(field, value, error, hint=None):
    name, label, attributes, below = field
    wrong = ' aria-invalid="true"' if error and error[0] == name else ""
    yield '<label class="field">%s<input name="%s" value="%s" %s%s autocomplete="off"' % (
        label,
        name,
        escape(value),
        attributes,
        wrong,
    )
    yield ' spellcheck="false">'
    below = hint or below
    if below:
        yield "<small>%s</small>" % below
    yield from _line(error, name)
    yield "</label>"


def _line(error, name):
    # What is wrong with a field, below it.
    if error and error[0] == name:
        yield '<small class="bad">%s</small>' % escape(_sentence(error[1]))


def _sentence(message):
    return message[:1].upper() + message[1:] + ("" if message[-1:] in ".?!" else ".")


def _minutes(left_ms):
    minutes = (left_ms + 59999) // 60000
    return "in a minute" if minutes < 2 else "in %d minutes" % minutes
