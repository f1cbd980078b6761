/** How Python clients send: requests with a form, JSON, a query or files, and urllib. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer, orderRow, transfersOf } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const SENDS: Readonly<Record<string, string>> = {
  'requests with data': 'requests.post(url, data=fields).json()',
  'requests with json': 'requests.post(url, json=fields).json()',
  'requests with params': 'requests.get(url, params=fields).json()',
  'requests posting params': 'requests.post(url, params=fields).json()',
  'requests with files':
    'requests.post(url, files={k: (None, str(v)) for k, v in fields.items()}).json()',
  urllib: 'json.load(urllib.request.urlopen(url, urllib.parse.urlencode(fields).encode()))',
}

const skip = await missing('python3', {
  probe: ['-c', 'import requests'],
  name: 'python3 with requests',
})

for (const [name, send] of Object.entries(SENDS)) {
  test(`Python, ${name}: an order and its status`, { skip }, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const program = `
import json, os, urllib.parse, urllib.request
try:
    import requests
except ImportError:
    pass
url, key = os.environ["PANEL_URL"], os.environ["PANEL_KEY"]
def send(fields):
    return ${send}
link = "https://shop.example/?a=1&b=två"
order = send({"key": key, "action": "add", "service": 1, "link": link, "quantity": 100})["order"]
print(json.dumps([order, send({"key": key, "action": "status", "order": order})["charge"]]))
`
    const output = await printed('python3', ['-c', program], {
      PANEL_URL: `${purser.url}/api/v2/`,
      PANEL_KEY: customer.key,
    })
    const [order, charge] = JSON.parse(output) as [number, string]
    assert.equal(charge, '0.09000')
    const row = await orderRow(purser, BigInt(order))
    assert.equal(row.link, 'https://shop.example/?a=1&b=två')
    assert.deepEqual(await transfersOf(purser, BigInt(order)), ['order wallet>revenue 90000'])
  })
}
