import { afterEach, describe, expect, test } from 'vitest'
import { listenForCallback } from '../../src/oidc/callback-listener.ts'
import type { CallbackListener } from '../../src/oidc/callback-listener.ts'
import { callbackPage } from '../../src/oidc/callback-page.ts'

let listener: CallbackListener

afterEach(() => {
  listener.close()
})

describe('listenForCallback()', () => {
  test('takes the one answer it waits for, and turns everything else away', async () => {
    listener = await listenForCallback(undefined, 'the-state', 6)
    const redirect = new URL(listener.redirectUrl)
    expect(redirect).toMatchObject({ hostname: 'localhost', pathname: '/auth/callback' })
    const get = (path: string, init?: RequestInit) => fetch(new URL(path, redirect), init)
    expect((await get('/')).status).toBe(404)
    expect((await get('/auth/callback', { method: 'POST' })).status).toBe(404)
    const stale = await get('/auth/callback?code=stolen&state=guess')
    expect(stale.status).toBe(400)
    expect(await stale.text()).toContain('This login is not waited for')
    const page = await get('/auth/callback?code=mine&state=the-state')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /)
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(await page.text()).toContain('You are logged in')
    const answer = await listener.answer(1000)
    expect(answer.href).toBe(`${listener.redirectUrl}?code=mine&state=the-state`)
  })

  test('an answer that says no shows so, and nothing of what it said', async () => {
    listener = await listenForCallback(undefined, 's', undefined)
    const url = `${listener.redirectUrl}?error=<script>alert(1)</script>&state=s`
    const page = await (await fetch(url)).text()
    expect(page).toContain('The login did not work')
    expect(page).not.toContain('alert(1)')
    expect((await listener.answer(1000)).searchParams.get('error')).toContain('alert')
  })

  test('gives up when nobody comes', async () => {
    listener = await listenForCallback(undefined, 's', undefined)
    await expect(listener.answer(50)).rejects.toMatchObject({ code: 'LOGIN_TIMEOUT', exit: 4 })
  })

  test('uses a registered loopback address, refuses any other', async () => {
    listener = await listenForCallback(undefined, 's', undefined)
    const { port } = new URL(listener.redirectUrl)
    listener.close()
    const fixed = await listenForCallback(`http://localhost:${port}/back`, 's', undefined)
    expect(fixed.redirectUrl).toBe(`http://localhost:${port}/back`)
    await expect(listenForCallback(fixed.redirectUrl, 's', undefined)).rejects.toMatchObject({
      code: 'REDIRECT_URL',
    })
    fixed.close()
    for (const url of ['https://localhost/x', 'http://example.org/x']) {
      await expect(listenForCallback(url, 's', undefined)).rejects.toMatchObject({
        code: 'REDIRECT_URL',
        exit: 2,
      })
    }
  })
})

test('callbackPage() loads nothing from elsewhere', () => {
  for (const kind of ['done', 'failed', 'stale'] as const) {
    const { html } = callbackPage({ kind, closeAfterSeconds: 6 })
    expect(html).not.toMatch(/src=|href=|@import|url\(/)
    expect(html).toContain('prefers-color-scheme:dark')
  }
})
