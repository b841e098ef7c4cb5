// Which screen is shown: the part of the address after '#', so that the listener serves one page for all of them.

export interface Route {
  /** The screen's name; '' for the first. */
  screen: string;
  /** What it is about: a session's id. */
  about: string;
  /** More about it, as search parameters. */
  search: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [screen = '', about = ''] = path.split('/');
  return { screen, about: decodeURIComponent(about), search: new URLSearchParams(search) };
}

class Router {
  route = $state.raw<Route>(parse(location.hash));

  constructor() {
    addEventListener('hashchange', () => this.look());
  }

  /** Reads the address anew, where it was changed without an event. */
  look(): void {
    this.route = parse(location.hash);
  }

  go(path: string): void {
    location.hash = path;
  }
}

export const router = new Router();
