/** The guide's commands, in their order, as somebody pastes them. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const skip = await missing('curl', { probe: ['--version'], name: 'curl' })
const guide = await readFile(
  new URL('../../docs/operating/sell-to-resellers.md', import.meta.url),
  'utf8',
)

/** Fails where the operator API refuses, unlike the guide's own. */
const ASK = `ask() { curl -sS --fail-with-body -X "$1" "$PURSER/admin/v1$2" \
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \${3:+-d "$3"}; }`

test('every command of the guide does what it says', { skip }, async () => {
  const commands = [...guide.matchAll(/^ {4}(ask (?!\()[\s\S]*?)(?=\n {4}ask |\n\n)/gm)]
  assert.ok(commands.length >= 10)
  const env: Record<string, string> = {
    PURSER: purser.url,
    KEY: purser.demo.operator.api_key,
    SERVICE: purser.demo.services.Default ?? '',
    SUBSCRIPTION: purser.demo.services.Subscriptions ?? '',
  }
  for (const [, command = ''] of commands) {
    const output = await printed('bash', ['-c', `${ASK}\n${command}`], env)
    const answer = JSON.parse(output) as { id?: string; account_id?: string }
    if (command.startsWith('ask POST /accounts ')) env.ACCOUNT = answer.id ?? ''
    if (command.includes('/api-keys')) assert.equal(answer.account_id, env.ACCOUNT)
  }
})
