import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, parseSecretKey } from './config.ts'
import { syncFolder } from './db/sync-folder.ts'
import { StartupError } from './lib/startup-error.ts'

const KEY_BYTES = 32

/**
 * The installation's secret key: the configured one (PURSER_SECRET_KEY), else the file `secret.key` of
 * the data folder, which is made at the first start and which its owner alone can read.
 */
export async function readSecretKey(
  config: Pick<Config, 'secretKey' | 'dataDir'>,
): Promise<Buffer> {
  if (config.secretKey !== null) return config.secretKey
  const path = join(config.dataDir, 'secret.key')
  return (await readKeyFile(path)) ?? (await makeKeyFile(path, config.dataDir))
}

async function readKeyFile(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new StartupError(`${path} cannot be read (${error.code})`)
  })
  if (text === undefined) return undefined
  const key = parseSecretKey(text.trim())
  if (key === undefined) throw new StartupError(`${path} holds no key of 64 hexadecimal digits`)
  return key
}

/** Two processes that start together make one: the file appears whole, or is there already. */
async function makeKeyFile(path: string, dataDir: string): Promise<Buffer> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
  await syncFolder(dataDir)
  const key = await readKeyFile(path)
  if (key === undefined) throw new StartupError(`${path} has gone while it was being made`)
  return key
}
