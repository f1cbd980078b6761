/** CrownPanel's samples of docs/samples, run as they are: each pays one renewal, once. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { openRenewal, purchaseRow, renewableServer, walletMoves } from '../kit/servers.ts'
import { newCustomer } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const SAMPLES = [
  { file: 'renew-service.mjs', program: process.execPath, probe: ['--version'], needs: 'node' },
  {
    file: 'renew_service.py',
    program: 'python3',
    probe: ['-c', 'import requests'],
    needs: 'python3 with requests',
  },
  {
    file: 'renew-service.php',
    program: 'php',
    probe: ['-r', 'exit(function_exists("curl_init") ? 0 : 1);'],
    needs: 'php with curl',
  },
  { file: 'renew-service.sh', program: 'sh', probe: ['-c', 'curl --version'], needs: 'curl' },
] as const

const skips = await Promise.all(
  SAMPLES.map(({ program, probe, needs }) => missing(program, { probe, name: needs })),
)
for (const [at, { file, program }] of SAMPLES.entries()) {
  const skip = skips[at] ?? false
  test(`${file} renews once`, { skip }, async () => {
    const customer = await newCustomer(purser, { credit: '20.00' })
    const server = await renewableServer(purser, customer)
    const invoice = await openRenewal(purser, server)
    const path = fileURLToPath(new URL(`../../docs/samples/${file}`, import.meta.url))
    const output = await printed(program, [path], {
      PURSER_URL: purser.url,
      PURSER_KEY: customer.key,
      PURSER_VMID: String(server.id),
      PYTHONDONTWRITEBYTECODE: '1',
    })
    const { id } = invoice
    const json = `{"query_status":"Success","query":"renew_service","invoice_id":"${id}","amount_paid":"5.00","renewal_status":"Success","query_result":"Invoice Paid and Service Renewed."}`
    assert.equal(
      output,
      file.endsWith('.sh')
        ? `answer: ${json}\nagain:  ${json}\n`
        : `Success: Invoice Paid and Service Renewed.\ninvoice ${id}, paid 5.00, again ${id}\n`,
    )
    assert.equal((await purchaseRow(purser, invoice)).state, 'paid')
    assert.deepEqual(await walletMoves(purser, customer.id), [
      'credit credit_granted>wallet 20000000',
      'hold wallet>held 5000000',
      'hold_end held>revenue 5000000',
    ])
  })
}
