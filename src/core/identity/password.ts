/**
 * Passwords as argon2id with OWASP's parameters, in the PHC form
 * `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Each takes 19 MiB while it runs, so only a few run
 * at once and only so many wait.
 */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { invalidField, Refusal } from '../refusal.ts'

const MEMORY_KIB = 19_456
const PASSES = 2
const PARALLELISM = 1
const SALT_BYTES = 16
const TAG_BYTES = 32
const RUNNING_MAX = 2
const WAITING_MAX = 64
const LENGTH_MIN = 10
const LENGTH_MAX = 200
const PHC_SHAPE = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/-]+)\$([\w+/-]+)$/

const run = promisify(argon2)
const waiting: (() => void)[] = []
let running = 0

/** Refuses passwords under 10 or over 200 characters, and `unavailable` when too many wait. */
export async function hashPassword(password: string): Promise<string> {
  if (password.length < LENGTH_MIN || password.length > LENGTH_MAX) {
    throw invalidField('/password', `must be ${LENGTH_MIN} to ${LENGTH_MAX} characters`)
  }
  const salt = randomBytes(SALT_BYTES)
  const parameters = { memory: MEMORY_KIB, passes: PASSES, parallelism: PARALLELISM }
  const tag = await derive({
    ...parameters,
    message: text(password),
    nonce: salt,
    tagLength: TAG_BYTES,
  })
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${PARALLELISM}$${unpadded(salt)}$${unpadded(tag)}`
}

/** Compared against where there is no such user, so that the time taken tells nothing. */
const NOBODY = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${PARALLELISM}$${unpadded(
  Buffer.alloc(SALT_BYTES),
)}$${unpadded(Buffer.alloc(TAG_BYTES))}`

/** Whether `password` is the one behind `stored`; undefined: there is none, at the same cost. */
export async function verifyPassword(
  stored: string | undefined,
  password: string,
): Promise<boolean> {
  if (password.length > LENGTH_MAX) return false
  const match = PHC_SHAPE.exec(stored ?? NOBODY)
  if (!match) throw new Error('a stored password is not in the PHC form of argon2id')
  const [memory, passes, parallelism] = [match[1], match[2], match[3]].map(Number)
  const expected = Buffer.from(match[5] ?? '', 'base64')
  const tag = await derive({
    message: text(password),
    nonce: Buffer.from(match[4] ?? '', 'base64'),
    memory: memory ?? 0,
    passes: passes ?? 0,
    parallelism: parallelism ?? 0,
    tagLength: expected.length,
  })
  return timingSafeEqual(tag, expected) && stored !== undefined
}

/** The same characters typed on different systems are the same password. */
function text(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8')
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

async function derive(parameters: Argon2Parameters): Promise<Buffer> {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new Refusal('unavailable', { retryAfterSeconds: 2 })
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else {
    running++
  }
  try {
    return await run('argon2id', parameters)
  } finally {
    // The place goes to who waits longest; only with nobody waiting does it become free.
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}
