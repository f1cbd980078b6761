import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../db/sync-folder.ts'

/** `$DATA_DIR/demo.json`: where the demo shop is, who signs in, and with which keys. */
export interface DemoFile {
  readonly url: string
  readonly operator: {
    readonly email: string
    readonly password: string
    readonly api_key: string
  }
  readonly customers: readonly DemoCustomer[]
  /** Ids by the type of the service. */
  readonly services: Readonly<Record<string, string>>
  readonly servers: readonly DemoServer[]
}

export interface DemoServer {
  readonly id: string
  /** `vps_…`. */
  readonly public_id: string
  readonly customer_id: string
  /** Of its renewal, where that was made out and not paid when the shop was made. */
  readonly unpaid_invoice_id: string | null
}

export interface DemoCustomer {
  readonly id: string
  readonly email: string
  readonly password: string
  readonly currency: string
  readonly time_zone: string
  readonly keys: Readonly<Record<DemoKey, string>>
}

export type DemoKey = 'full' | 'read' | 'discount10' | 'legacy_errors'

const FINAL = 'demo.json'
/** Holds the secrets while the shop is being made: ids are not known yet. */
const UNFINISHED = 'demo.json.unfinished'

/** The file, or what a start that was cut off has left of it. */
export async function readDemoFile(
  dataDir: string,
): Promise<{ file: DemoFile; finished: boolean } | undefined> {
  for (const name of [FINAL, UNFINISHED]) {
    try {
      const file = JSON.parse(await readFile(join(dataDir, name), 'utf8')) as DemoFile
      return { file, finished: name === FINAL }
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    }
  }
  return undefined
}

/** Writes the file so that a crash leaves the old one or the new one, readable by its owner. */
export async function writeDemoFile(
  dataDir: string,
  file: DemoFile,
  o: { finished: boolean },
): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const path = join(dataDir, o.finished ? FINAL : UNFINISHED)
  const draft = `${path}.${process.pid}`
  const handle = await open(draft, 'w', 0o600)
  try {
    await chmod(draft, 0o600)
    await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
  // The new name is on disk too, before anything relies on it.
  await syncFolder(dataDir)
  if (o.finished) await rm(join(dataDir, UNFINISHED), { force: true })
}
