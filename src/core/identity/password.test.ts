import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../refusal.ts'
import { hashPassword, verifyPassword } from './password.ts'

test('a password verifies against its own hash alone', async () => {
  const stored = await hashPassword('correct horse battery')
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  assert.equal(await verifyPassword(stored, 'correct horse battery'), true)
  assert.equal(await verifyPassword(stored, 'correct horse batterx'), false)
  assert.equal(await verifyPassword(undefined, 'correct horse battery'), false)
  assert.notEqual(await hashPassword('correct horse battery'), stored)
})

test('a password of accented characters is the same composed or decomposed', async () => {
  const stored = await hashPassword('caf\u00e9 caf\u00e9 caf\u00e9')
  assert.equal(await verifyPassword(stored, 'cafe\u0301 cafe\u0301 cafe\u0301'), true)
})

test('parameters are read from the stored form, so that they can be raised later', async () => {
  const stored =
    '$argon2id$v=19$m=32,t=3,p=4$c29tZXNhbHQ$tYkcyYbmhaaXGhJBNpY0mLjQd9EdNP2Ho8VkxFRGPsg'
  assert.equal(await verifyPassword(stored, 'something else'), false)
})

test('a password too short or too long is refused', async () => {
  for (const password of ['short', 'x'.repeat(201)]) {
    await assert.rejects(hashPassword(password), { code: 'invalid_input' })
  }
})

test('more sign-ins than may wait are told to come back', async () => {
  const stored = await hashPassword('correct horse battery')
  const answers = await Promise.allSettled(
    Array.from({ length: 80 }, () => verifyPassword(stored, 'correct horse battery')),
  )
  const refused = answers.filter((answer) => answer.status === 'rejected')
  assert.equal(refused.length, 80 - 2 - 64)
  for (const { reason } of refused) {
    assert.ok(reason instanceof Refusal)
    assert.equal(reason.code, 'unavailable')
  }
  assert.ok(answers.every((answer) => answer.status === 'rejected' || answer.value))
})
