/** The samples of docs/samples, run as they are: each buys once and reads its order. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer, transfersOf } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const SAMPLES = [
  { file: 'place-order.mjs', program: process.execPath, probe: ['--version'], needs: 'node' },
  { file: 'place_order.py', program: 'python3', probe: ['--version'], needs: 'python3' },
  {
    file: 'place-order.php',
    program: 'php',
    probe: ['-r', 'exit(function_exists("curl_init") ? 0 : 1);'],
    needs: 'php with curl',
  },
] as const

const skips = await Promise.all(
  SAMPLES.map(({ program, probe, needs }) => missing(program, { probe, name: needs })),
)
for (const [at, { file, program }] of SAMPLES.entries()) {
  const skip = skips[at] ?? false
  test(`${file} buys once and reads its order`, { skip }, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const path = fileURLToPath(new URL(`../../docs/samples/${file}`, import.meta.url))
    const output = await printed(program, [path], {
      PURSER_URL: purser.url,
      PURSER_KEY: customer.key,
      PYTHONDONTWRITEBYTECODE: '1',
    })
    const match =
      /^order (\d+), sent again: \1\nstatus (?:Pending|In progress), charge 0\.09000 USD\n$/.exec(
        output,
      )
    assert.ok(match, output)
    const { rows } = await purser.pool.query<{ id: bigint }>(
      'select id from service_order where account_id = $1',
      [customer.id],
    )
    assert.deepEqual(
      rows.map((row) => String(row.id)),
      [match[1]],
    )
    assert.deepEqual(await transfersOf(purser, BigInt(match[1] ?? '')), [
      'order wallet>revenue 90000',
    ])
  })
}
