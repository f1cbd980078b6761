import { missing } from '../kit/program.ts'
import type { ClientKind } from './client.ts'
import { startScript } from './script-client.ts'

/** `requests` writes a list as the same field several times, but in JSON. */
const SCRIPT = `
import json, sys
import requests

def parts(fields):
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, (None, str(item))

for line in sys.stdin:
    ask = json.loads(line)
    url, fields, headers = ask["url"], ask["fields"], ask["headers"]
    if ask["body"] == "query":
        answer = requests.get(url, params=fields, headers=headers)
    elif ask["body"] == "urlencoded":
        answer = requests.post(url, data=fields, headers=headers)
    elif ask["body"] == "multipart":
        answer = requests.post(url, files=list(parts(fields)), headers=headers)
    else:
        answer = requests.post(url, json=fields, headers=headers)
    print(json.dumps({
        "status": answer.status_code,
        "type": answer.headers.get("Content-Type"),
        "replayed": answer.headers.get("Idempotent-Replayed"),
        "text": answer.text,
    }), flush=True)
`

/** Python with `requests`. */
export const pythonClient: ClientKind = {
  name: 'Python’s requests',
  skip: await missing('python3', {
    probe: ['-c', 'import requests'],
    name: 'python3 with requests',
  }),
  bodies: ['urlencoded', 'json', 'multipart', 'query'],
  start: async () => startScript('python3', ['-c', SCRIPT]),
}
