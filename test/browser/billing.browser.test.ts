/** A customer signs in at the billing page and pays an invoice, by mouse and by keyboard. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, missingChromium, openPage } from '../kit/chromium.ts'
import { openInvoice, type Rented, renewalRow, rentedServer } from '../kit/hostup-scene.ts'
import { overflow, picture, watch } from '../kit/page-watch.ts'
import { startTestPurser } from '../kit/purser.ts'
import { walletMoves } from '../kit/servers.ts'
import { newPerson, type Person } from '../kit/signed-in.ts'

const skip = await missingChromium()
const purser = skip === false ? await startTestPurser() : undefined
const browser: Browser | undefined = skip === false ? await launchChromium() : undefined
after(async () => {
  await browser?.close()
  await purser?.stop()
})

interface Scene {
  readonly rented: Rented
  readonly person: Person
  readonly path: string
  readonly page: Page
  readonly trouble: () => readonly string[]
}

async function scene(o: {
  credit: string
  width?: number
  colorScheme?: 'light' | 'dark'
}): Promise<Scene> {
  assert.ok(browser && purser)
  const tax = { percent: 25, within: true }
  const rented = await rentedServer(purser, { credit: o.credit, tax, addons: ['20.00'] })
  await openInvoice(purser, rented)
  const { purchaseId } = await renewalRow(purser, rented)
  const page = await openPage(browser, {
    viewport: { width: o.width ?? 1280, height: 900 },
    colorScheme: o.colorScheme ?? 'light',
  })
  return {
    rented,
    page,
    path: `${purser.url}/billing?invoice=${purchaseId}`,
    person: await newPerson(purser, rented.customer, 'owner'),
    trouble: watch(page, purser.url),
  }
}

async function signIn({ page, person, path }: Scene): Promise<void> {
  await page.goto(path)
  await page.getByLabel('E-mail address').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

for (const [width, colorScheme] of [
  [1280, 'light'],
  [390, 'light'],
  [390, 'dark'],
] as const) {
  test(`sign in, pay, see it paid: ${width} px, ${colorScheme}`, { skip }, async () => {
    assert.ok(purser)
    const at = await scene({ credit: '200.00', width, colorScheme })
    const { page, rented } = at
    const looks = async (name: string): Promise<void> => {
      assert.equal(await overflow(page), 0, `${name} scrolls sideways`)
      assert.equal(await page.locator('h1').count(), 1)
      assert.equal(await page.getByRole('main').count(), 1)
      await picture(page, `billing-${name}-${width}-${colorScheme}`)
    }
    try {
      await page.goto(at.path)
      await looks('sign-in')
      await signIn(at)
      await page.getByRole('heading', { level: 1, name: /Proforma invoice/ }).waitFor()
      await looks('unpaid')
      const button = page.getByRole('button', { name: 'Pay 119.00 SEK' })
      // Twice, as the impatient do.
      await button.dblclick()
      await page.getByText('Paid on').waitFor()
      await looks('paid')
      assert.equal(await page.getByRole('button', { name: /^Pay/ }).count(), 0)
      await page.reload()
      await page.getByText('Paid on').waitFor()
      const moves = await walletMoves(purser, rented.customer.id)
      assert.equal(moves.filter((line) => line.startsWith('hold wallet>held')).length, 1)
      await page.getByRole('link', { name: 'All invoices' }).click()
      await page.getByRole('heading', { level: 1, name: 'Invoices' }).waitFor()
      await looks('list')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
      // The second press takes the place of the first, which the browser gives up.
      const given = `failed ${purser.url}/billing`
      assert.deepEqual(
        at.trouble().filter((line) => !line.startsWith(given)),
        [],
      )
    } finally {
      await page.context().close()
    }
  })
}

test('the way back leads to the paid invoice, and pays nothing again', { skip }, async () => {
  assert.ok(purser)
  const at = await scene({ credit: '500.00' })
  try {
    await signIn(at)
    await at.page.getByRole('button', { name: /^Pay/ }).click()
    await at.page.getByText('Paid on').waitFor()
    await at.page.goBack()
    await at.page.goForward()
    await at.page.getByText('Paid on').waitFor()
    const moves = await walletMoves(purser, at.rented.customer.id)
    assert.equal(moves.filter((line) => line.startsWith('hold wallet>held')).length, 1)
  } finally {
    await at.page.context().close()
  }
})

test('the keyboard alone: skip, sign in, be told, pay, sign out', { skip }, async () => {
  assert.ok(purser)
  const at = await scene({ credit: '118.50' })
  const { page, person } = at
  const focused = () =>
    page.evaluate<string>(
      "(document.activeElement?.innerText || document.activeElement?.id || '').trim()",
    )
  /** The browser moves the focus a moment after the page is there; between pages there is none. */
  const hears = async (text: string): Promise<void> => {
    for (let looks = 0; looks < 3_000; looks++) {
      if ((await focused().catch(() => 'no page')) === text) return
      await pause(20)
    }
    assert.equal(await focused(), text)
  }
  /** Presses Tab until `name` has the focus; how a customer without a mouse gets there. */
  const tabTo = async (name: string): Promise<void> => {
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press('Tab')
      if ((await focused()) === name) return
    }
    assert.fail(`Tab does not reach ${name}`)
  }
  try {
    await page.goto(at.path)
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Skip to the text')
    await tabTo('email')
    await page.keyboard.type(person.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type('wrong')
    await page.keyboard.press('Enter')
    await hears('The e-mail address or the password is wrong.')
    await tabTo('password')
    await page.keyboard.type(person.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: /Proforma invoice/ }).waitFor()
    await tabTo('Pay 119.00 SEK')
    await page.keyboard.press('Enter')
    await hears('The wallet is too low. Nothing was taken. 0.50 SEK are missing.')
    await picture(page, 'billing-low')
    await at.rented.customer.credit('0.50')
    await tabTo('Pay 119.00 SEK')
    await page.keyboard.press('Space')
    await page.getByText('Paid on').waitFor()
    await tabTo('Sign out')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
    // The statuses that the customer was told in words.
    const told = at.trouble().filter((line) => !/40[12]/.test(line))
    assert.deepEqual(told, [])
  } finally {
    await page.context().close()
  }
})
