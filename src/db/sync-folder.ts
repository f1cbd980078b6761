import { open } from 'node:fs/promises'

/** Puts a folder's names on disk: a file that was renamed in it then survives a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
