# Places an order so that it is bought once however often this is sent, then reads its status.
#   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… python3 place_order.py
# Nothing has to be installed: it uses the standard library alone.
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

URL = os.environ["PURSER_URL"] + "/api/v2"
KEY = os.environ["PURSER_KEY"]


def ask(fields, headers={}):
    body = urllib.parse.urlencode({"key": KEY, **fields}).encode()
    request = urllib.request.Request(URL, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


# Keep this name with your own order before you send it: sent again, it buys nothing twice.
idempotency_key = str(uuid.uuid4())


def place_order(fields):
    for attempt in range(1, 6):
        try:
            code, answer = ask({"action": "add", **fields}, {"Idempotency-Key": idempotency_key})
        except (OSError, ValueError):
            # No answer: the order may have been bought, so ask under the same name.
            code, answer = 503, {"error": "no answer"}
        if code < 400:
            return answer
        if code != 429 and code < 500:
            break
        time.sleep(attempt)
    raise RuntimeError(answer["error"])


order = {"service": 1, "link": "https://shop.example/page", "quantity": 100}
first = place_order(order)
again = place_order(order)
print(f"order {first['order']}, sent again: {again['order']}")
_, status = ask({"action": "status", "order": first["order"]})
print(f"status {status['status']}, charge {status['charge']} {status['currency']}")
