/**
 * The three code samples of PanelBon's page, to the letter: only the host and the key are put in,
 * as a reseller would do.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { monthlyName, newCustomer, orderRow, transfersOf } from '../kit/shop.ts'

const purser = await startTestPurser()
const folder = await mkdtemp(join(tmpdir(), 'purser-samples-'))
after(async () => {
  await purser.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Axios comes from the project's own modules, as it would from the reseller's. */
const NODE_PATH = fileURLToPath(new URL('../../node_modules', import.meta.url))

const SAMPLES = [
  {
    name: 'Python',
    program: 'python3',
    probe: ['-c', 'import requests'],
    needs: 'python3 with requests',
    file: 'sample.py',
    text: (sample: string) => sample,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  },
  {
    name: 'PHP',
    program: 'php',
    probe: ['-r', 'exit(function_exists("curl_init") ? 0 : 1);'],
    needs: 'php with curl',
    file: 'sample.php',
    text: (sample: string) => `<?php\n${sample}`,
    env: {},
  },
  {
    name: 'Node',
    program: process.execPath,
    probe: ['--version'],
    needs: 'node',
    file: 'sample.cjs',
    text: (sample: string) => sample,
    env: { NODE_PATH },
  },
] as const

// All are looked for before the first test is registered: what is awaited between two tests lets
// the runner believe that there are no more.
const skips = await Promise.all(
  SAMPLES.map(({ program, probe, needs }) => missing(program, { probe, name: needs })),
)
for (const [at, sample] of SAMPLES.entries()) {
  const skip = skips[at] ?? false
  test(`PanelBon's ${sample.name} sample places its order`, { skip }, async () => {
    const customer = await newCustomer(purser, {
      credit: '10.00',
      terms: { discount_percent: 10 },
    })
    const page = await readFile(
      new URL(`samples/panelbon-${sample.name.toLowerCase()}.txt`, import.meta.url),
      'utf8',
    )
    const path = join(folder, sample.file)
    await writeFile(
      path,
      sample
        .text(page)
        .replace('https://www.panelbon.com/app/api/v2', `${purser.url}/app/api/v2`)
        .replace('YOUR_API_KEY', customer.key),
    )
    const output = await printed(sample.program, [path], sample.env)
    const { rows } = await purser.pool.query<{ id: bigint }>(
      'select id from service_order where account_id = $1',
      [customer.id],
    )
    assert.equal(rows.length, 1)
    const id = rows[0]!.id
    assert.equal(output.trimEnd(), `Order ID: ${await monthlyName(purser, id)}\nFinal Price: $0.81`)
    const row = await orderRow(purser, id)
    assert.equal(row.link, 'https://instagram.com/username')
    assert.equal(row.quantity, 1000n)
    assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 810000'])
  })
}
