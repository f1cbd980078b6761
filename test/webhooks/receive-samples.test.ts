/** The receivers of docs/samples, run as they are: they believe what is signed, and no more. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { keepInProgress } from '../kit/held-delivery.ts'
import { created } from '../kit/operator.ts'
import { ownPort } from '../kit/own-port.ts'
import { missing } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer, place, setOrder } from '../kit/shop.ts'

const purser = await startTestPurser({ env: { WEBHOOK_NETWORKS: '127.0.0.1' } })
after(() => purser.stop())

const SAMPLES = [
  {
    file: 'receive-webhook.mjs',
    program: process.execPath,
    args: (path: string) => [path],
    probe: ['--version'],
    needs: 'node',
  },
  {
    file: 'receive_webhook.py',
    program: 'python3',
    args: (path: string) => [path],
    probe: ['--version'],
    needs: 'python3',
  },
  {
    file: 'receive-webhook.php',
    program: 'php',
    args: (path: string, port: number) => ['-q', '-S', `127.0.0.1:${port}`, path],
    probe: ['--version'],
    needs: 'php',
  },
] as const

const WITHIN_MS = 120_000
const POLL_MS = 50

const skips = await Promise.all(
  SAMPLES.map(({ program, probe, needs }) => missing(program, { probe, name: needs })),
)
for (const [at, { file, program, args }] of SAMPLES.entries()) {
  const skip = skips[at] ?? false
  test(`${file} believes what is signed, and no more`, { skip }, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const port = await ownPort()
    const url = `http://127.0.0.1:${port}/`
    const { secret } = await created<{ secret: string }>(
      purser,
      `/accounts/${customer.id}/webhook-endpoints`,
      { url },
    )
    const path = fileURLToPath(new URL(`../../docs/samples/${file}`, import.meta.url))
    const env = {
      ...process.env,
      PORT: String(port),
      PURSER_WEBHOOK_SECRET: secret,
      PYTHONDONTWRITEBYTECODE: '1',
    }
    const receiver = spawn(program, args(path, port), { env, stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const printed: string[] = []
      receiver.stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
      const listening = async () => (await post(url, {})) !== null
      await until(listening, `${file} did not listen`)
      const now = String(Math.floor(Date.now() / 1000))
      const forged = { 'webhook-id': 'evt_1', 'webhook-timestamp': now }
      assert.equal(await post(url, { ...forged, 'webhook-signature': 'v1,AAAA' }), 401)
      assert.equal(await post(url, {}), 401)

      const id = await place(customer, { service: 1, quantity: 1_000 })
      await keepInProgress(purser, id)
      await setOrder(purser, id, { status: 'partial', remains: 400 })
      const said = [`order ${id} is In progress`, `order ${id} is Partial`]
      const lines = () => printed.join('').split('\n').slice(0, -1)
      await until(() => lines().length === said.length, `${file} printed ${printed.join('')}`)
      assert.deepEqual(lines(), said)
      const isReceived = async () => {
        const { rows } = await purser.pool.query(
          "select from webhook_message where account_id = $1 and state = 'delivered'",
          [customer.id],
        )
        return rows.length === said.length
      }
      await until(isReceived, `${file} answered something else`)
    } finally {
      receiver.kill('SIGKILL')
    }
  })
}

/** The status of the answer to an empty message; null where nobody answers. */
async function post(url: string, headers: Record<string, string>): Promise<number | null> {
  try {
    const response = await fetch(url, { method: 'POST', headers, body: '{}' })
    await response.body?.cancel()
    return response.status
  } catch {
    return null
  }
}

async function until(ready: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + WITHIN_MS
  while (!(await ready())) {
    assert.ok(Date.now() < deadline, otherwise)
    await pause(POLL_MS)
  }
}
