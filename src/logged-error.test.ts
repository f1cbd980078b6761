import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { loggedError } from './logged-error.ts'

test('of an error of the database the values of rows are not logged', () => {
  const lines: string[] = []
  const log = pino(
    { serializers: { err: loggedError } },
    { write: (line) => void lines.push(line) },
  )
  const err = Object.assign(new Error('new row violates check constraint "user_check"'), {
    severity: 'ERROR',
    code: '23514',
    table: 'user_account',
    detail: 'Failing row contains (7, anna@example.com, $argon2id$...).',
    where: 'COPY user_account, line 1: "anna@example.com"',
  })
  log.warn({ err }, 'a step failed')
  assert.match(lines[0]!, /user_check.*"code":"23514".*"table":"user_account"/)
  assert.doesNotMatch(lines[0]!, /anna|argon2id/)
  log.warn({ err: Object.assign(new Error('other'), { detail: 'kept' }) }, 'another')
  assert.match(lines[1]!, /"detail":"kept"/)
})
