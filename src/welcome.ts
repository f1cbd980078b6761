import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoFile } from './demo/demo-file.ts'

/** What the terminal shows once Purser answers: where it is, and in the demo how to try it. */
export function welcome(o: { url: string; dataDir: string; demo: boolean }): string {
  const lines = ['', `  Purser answers at ${o.url}   (documentation: ${o.url}/docs)`, '']
  const demo = o.demo ? readDemo(o.dataDir) : undefined
  if (demo === undefined) {
    lines.push('  The first operator: bin/purser.mjs operator create you@example.com', '')
    return `${lines.join('\n')}\n`
  }
  const [customer] = demo.customers
  lines.push(
    `  Operator   ${demo.operator.email}   password ${demo.operator.password}`,
    `             key ${demo.operator.api_key}`,
  )
  for (const { email, password, keys, currency } of demo.customers) {
    lines.push(
      `  Customer   ${email}   password ${password}   (${currency})`,
      `             key ${keys.full}`,
    )
  }
  lines.push(`  All of it in ${join(o.dataDir, 'demo.json')}`, '')
  if (customer) {
    const { full } = customer.keys
    lines.push(
      '  A line for each API, and one for operators; each works as it is:',
      `  curl ${o.url}/api/v2 -d key=${full} -d action=balance`,
      `  curl ${o.url}/app/api/v2 -d key=${full} -d action=services`,
      `  curl ${o.url}/ -d API_KEY=${full} -d QUERY=list_vms`,
      `  curl ${o.url}/v1/servers -H 'Authorization: Bearer ${full}'`,
      `  curl ${o.url}/api/v2/vps -H 'Authorization: Bearer ${full}'`,
      `  curl ${o.url}/admin/v1/ledger/trial-balance -H 'Authorization: Bearer ${demo.operator.api_key}'`,
      '',
    )
  }
  return `${lines.join('\n')}\n`
}

function readDemo(dataDir: string): DemoFile | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as DemoFile
  } catch {
    return undefined
  }
}
