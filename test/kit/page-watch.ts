/** What a page in a browser does that a reader does not see. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

/** A folder for pictures of every page, for people to look at; without it none are taken. */
const PICTURES = process.env.PURSER_SCREENSHOTS

/** What a page complains of or asks elsewhere, by the time it is called. */
export function watch(page: Page, origin: string): () => readonly string[] {
  const lines: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') lines.push(message.text())
  })
  page.on('pageerror', (error) => lines.push(String(error)))
  page.on('requestfailed', (request) => lines.push(`failed ${request.url()}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) lines.push(`elsewhere ${request.url()}`)
  })
  return () => lines
}

/** By how many pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate<number>(
    'Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)',
  )
}

export async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return
  await mkdir(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}
