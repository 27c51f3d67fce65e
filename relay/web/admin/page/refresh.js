'use strict'
// Loads the page again every few seconds, and says when it is old. What comes is parsed as the page itself was.

const PERIOD_MS = 3000
const OLD_MS = 8000
const state = document.getElementById('state')
let loadedAt = performance.now()

const say = (now) => {
  if (state.textContent !== now.textContent) state.replaceChildren(...now.cloneNode(true).childNodes)
}

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
        say(fresh.getElementById('state'))
        loadedAt = performance.now()
      }
    }
  } catch {
    // the age says it
  }
  setTimeout(load, rest)
}

setInterval(() => {
  const old = performance.now() - loadedAt
  if (old < OLD_MS || document.hidden) return
  const line = document.getElementById('age')
  line.classList.add('old')
  line.lastChild.textContent = `, ${Math.round(old / 1000)} s ago.`
  const words = document.createElement('p')
  words.textContent = 'The relay does not answer; what is below is old'
  say(words)
}, 1000)
setTimeout(load, PERIOD_MS)
