import { afterEach, describe, expect, test } from 'vitest'
import { deadlineIn, requestService } from '../../src/sigstore/retry.ts'
import type { RetryOptions, ServiceRequest } from '../../src/sigstore/retry.ts'
import { startServer } from './test-server.ts'
import type { Answer } from './test-server.ts'

let server: Awaited<ReturnType<typeof startServer>> | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

function options(budgetMs = 3000): RetryOptions {
  return { env: {}, ca: undefined, deadline: deadlineIn(budgetMs) }
}

async function ask(
  answers: readonly Answer[],
  more: Partial<ServiceRequest> = {},
  budgetMs?: number,
) {
  const started = await startServer((_request, count) => {
    return answers[Math.min(count, answers.length) - 1] ?? { status: 500 }
  })
  server = started
  const request = {
    service: 'Fulcio',
    method: 'GET',
    url: started.url,
    maxBytes: 1000,
    attemptMs: 1000,
    expected: [200],
    ...more,
  } as const
  return requestService(request, options(budgetMs))
}

const ok = { status: 200, body: 'fine' }

describe('requestService()', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('tries again after %d', async (status) => {
    const response = await ask([{ status }, ok])
    expect(Buffer.from(response.body).toString()).toBe('fine')
  })

  test('tries again after a cut connection', async () => {
    expect((await ask([{ status: 200, cut: true }, ok])).status).toBe(200)
  })

  test.each([400, 401, 403, 404, 405, 409, 410, 422])('never tries %d again', async (status) => {
    const body = JSON.stringify({ code: 3, message: 'token \u001b[31mrefused: s3cret' })
    const asking = ask([{ status, body }, ok], { secrets: ['s3cret'] })
    await expect(asking).rejects.toMatchObject({
      code: 'SERVICE_REFUSED',
      exit: 1,
      message: expect.stringMatching(
        new RegExp(`^Fulcio \\(http://127.0.0.1:\\d+\\) answered ${status}: token \\\\u\\{1b\\}`),
      ),
    })
    await asking.catch((error: unknown) => {
      expect(String(error)).not.toContain('s3cret')
    })
    expect(server?.received).toHaveLength(1)
  })

  test('tries a status again that the caller names', async () => {
    expect((await ask([{ status: 404 }, ok], { retryStatuses: [404] })).status).toBe(200)
  })

  test('waits as long as Retry-After says', async () => {
    const before = Date.now()
    await ask([{ status: 429, headers: { 'retry-after': '1' } }, ok])
    expect(Date.now() - before).toBeGreaterThan(950)
  })

  test('does not wait when it is asked to wait longer than there is time', async () => {
    const before = Date.now()
    const asking = ask([{ status: 429, headers: { 'retry-after': '3600' } }], {}, 1500)
    await expect(asking).rejects.toMatchObject({ code: 'SERVICE_FAILING', exit: 4 })
    expect(Date.now() - before).toBeLessThan(1000)
  })

  test('ends when the time is over', async () => {
    const before = Date.now()
    await expect(ask([{ status: 503 }], {}, 800)).rejects.toMatchObject({
      code: 'SERVICE_FAILING',
      message: expect.stringContaining('answered 503; the time is over'),
    })
    expect(Date.now() - before).toBeLessThan(1500)
  })

  test('refuses an answer that is too long', async () => {
    const asking = ask([{ status: 200, body: 'x'.repeat(2000) }])
    await expect(asking).rejects.toMatchObject({
      exit: 4,
      message: expect.stringContaining('its answer is too long'),
    })
  })

  test('follows no redirect', async () => {
    const asking = ask([{ status: 302, headers: { location: '/elsewhere' } }, ok])
    await expect(asking).rejects.toMatchObject({ code: 'SERVICE_REFUSED' })
  })
})
