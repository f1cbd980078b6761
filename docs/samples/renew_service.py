# Pays a server's open renewal, once however often this is sent.
#   pip install requests
#   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… PURSER_VMID=12345 python3 renew_service.py
import os
import time
import uuid

import requests

URL = os.environ["PURSER_URL"]

# Keep this name before you send it: sent again under the same name, nothing is paid twice.
idempotency_key = str(uuid.uuid4())


def renew_service():
    data = {
        "API_KEY": os.environ["PURSER_KEY"],
        "QUERY": "renew_service",
        "VMID": os.environ["PURSER_VMID"],
    }
    for attempt in range(1, 6):
        try:
            headers = {"Idempotency-Key": idempotency_key}
            response = requests.post(URL, data=data, headers=headers, timeout=30)
            if response.status_code != 429:
                return response.json()
        except requests.RequestException:
            # No answer: it may have been paid, so ask under the same name.
            pass
        time.sleep(attempt)
    raise RuntimeError("no answer")


first = renew_service()
again = renew_service()
# Errors come with HTTP 200 as well: look at query_status.
print(f"{first['query_status']}: {first['query_result']}")
print(f"invoice {first['invoice_id']}, paid {first['amount_paid']}, again {again['invoice_id']}")
