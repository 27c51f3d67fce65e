// Loads the page again every few seconds. What comes is parsed as the page itself was.

import { heard } from './age.js'

const PERIOD_MS = 3000

const isBusy = () => {
  const active = document.activeElement
  if (active && active.closest('main') && active.matches('input, button, select')) return true
  const chosen = document.getSelection()
  return Boolean(chosen && !chosen.isCollapsed) || Boolean(document.querySelector('main form[method="post"]'))
}

const swap = (fresh) => {
  const main = document.querySelector('main')
  const active = document.activeElement
  const href = active && active.closest('main') && active.getAttribute('href')
  main.replaceChildren(...fresh.querySelector('main').childNodes)
  if (href) main.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true })
}

const load = async () => {
  let rest = PERIOD_MS
  try {
    if (!document.hidden) {
      const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(4000), headers: { accept: 'text/html' } })
      rest = Math.max(PERIOD_MS, Number(answer.headers.get('relay-rest-ms')))
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
      if (fresh.getElementById('state')) {
        if (!isBusy()) swap(fresh)
        heard(fresh.getElementById('state'))
      }
    }
  } catch {
    // the age says it
  }
  setTimeout(load, rest)
}

setTimeout(load, PERIOD_MS)
