/** People who sign in to a customer's account. */
import assert from 'node:assert/strict'
import type { PurserClient } from './purser.ts'
import type { Customer } from './shop.ts'

export interface Person {
  readonly email: string
  readonly password: string
}

let people = 0

/** Somebody who may sign in to the customer's account in this role. */
export async function newPerson(
  purser: PurserClient,
  customer: Customer,
  role: string,
): Promise<Person> {
  people++
  const person = {
    email: `person-${process.pid}-${people}@shop.example`,
    password: 'correct horse battery',
  }
  const answer = await purser.admin('POST', `/accounts/${customer.id}/users`, { ...person, role })
  assert.equal(answer.status, 201, answer.text)
  return person
}

/** The cookie of a session in the customer's account. */
export async function signedIn(
  purser: PurserClient,
  customer: Customer,
  role: string,
): Promise<string> {
  const answer = await fetch(`${purser.url}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await newPerson(purser, customer, role)),
  })
  assert.equal(answer.status, 201)
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}
