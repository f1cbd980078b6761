import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readSecretKey } from './secret-key.ts'

let dataDir: string
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'purser-key-'))
})
after(() => rm(dataDir, { recursive: true }))

test('the first start makes one, which its owner alone can read, and all others find', async () => {
  const place = { dataDir: join(dataDir, 'new'), secretKey: null }
  const keys = await Promise.all([1, 2, 3, 4].map(() => readSecretKey(place)))
  assert.equal(keys[0]?.length, 32)
  for (const key of [...keys, await readSecretKey(place)]) assert.deepEqual(key, keys[0])
  assert.deepEqual(await readdir(place.dataDir), ['secret.key'])
  const path = join(place.dataDir, 'secret.key')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal(await readFile(path, 'utf8'), `${keys[0]?.toString('hex')}\n`)
})

test('the configured one leaves the folder alone', async () => {
  const secretKey = Buffer.alloc(32, 1)
  const place = { dataDir: join(dataDir, 'untouched'), secretKey }
  assert.equal(await readSecretKey(place), secretKey)
  assert.deepEqual(await readdir(dataDir), ['new'])
})

test('a file that holds no key is named, and not replaced', async () => {
  const path = join(dataDir, 'secret.key')
  await writeFile(path, 'nonsense\n')
  await assert.rejects(readSecretKey({ dataDir, secretKey: null }), {
    name: 'StartupError',
    message: `${path} holds no key of 64 hexadecimal digits`,
  })
  assert.equal(await readFile(path, 'utf8'), 'nonsense\n')
})
