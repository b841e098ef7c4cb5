//! What systems print, as they print it.

use super::*;

type Read = (Option<&'static str>, Option<&'static str>, &'static str, bool);

fn check(settings: &Settings, (https, http, exempt, script): Read) {
    let read = (settings.https.as_deref(), settings.http.as_deref(), settings.exempt.as_str(), settings.script);
    assert_eq!(read, (https, http, exempt, script));
}

#[test]
fn gnome_is_read() {
    let manual = "org.gnome.system.proxy autoconfig-url ''
org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']
org.gnome.system.proxy mode 'manual'
org.gnome.system.proxy use-same-proxy true
org.gnome.system.proxy.ftp host ''
org.gnome.system.proxy.ftp port 0
org.gnome.system.proxy.http authentication-user ''
org.gnome.system.proxy.http host 'proxy.example.com'
org.gnome.system.proxy.http port 3128
org.gnome.system.proxy.https host '2001:db8::1'
org.gnome.system.proxy.https port 8443
";
    check(
        &gnome(manual),
        (Some("[2001:db8::1]:8443"), Some("proxy.example.com:3128"), "localhost, 127.0.0.0/8, ::1", false),
    );
    check(&gnome(&manual.replace("'manual'", "'none'")), (None, None, "", false));
    check(&gnome(&manual.replace("'manual'", "'auto'")), (None, None, "", true));
    for odd in ["", "No such schema", "org.gnome.system.proxy mode", "a b"] {
        check(&gnome(odd), (None, None, "", false));
    }
}

#[test]
fn kde_is_read() {
    let manual = "PersistentProxyConnection=false
[Other]
ProxyType=2
[Proxy Settings]
NoProxyFor=.example.org,10.0.0.0/8
Proxy Config Script=
ProxyType=1
ReversedException=false
httpProxy=http://proxy.example.com 3128
httpsProxy=http://proxy.example.com:8443/
";
    check(
        &kde(manual),
        (
            Some("http://proxy.example.com:8443"),
            Some("http://proxy.example.com:3128"),
            ".example.org,10.0.0.0/8",
            false,
        ),
    );
    check(&kde(&manual.replace("ProxyType=1", "ProxyType=0")), (None, None, "", false));
    check(&kde(&manual.replace("ProxyType=1", "ProxyType=3")), (None, None, "", true));
    check(&kde(&manual.replace("ReversedException=false", "ReversedException=true")), (None, None, "", false));
    check(&kde(""), (None, None, "", false));
}

#[test]
fn macos_is_read() {
    let manual = "<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
  }
  ExcludeSimpleHostnames : 1
  FTPPassive : 1
  HTTPEnable : 1
  HTTPPort : 3128
  HTTPProxy : proxy.example.com
  HTTPSEnable : 0
  HTTPSPort : 8443
  HTTPSProxy : proxy.example.com
}";
    check(&scutil(manual), (None, Some("proxy.example.com:3128"), "*.local,169.254/16,<local>", false));
    let script = "<dictionary> {\n  ProxyAutoConfigEnable : 1\n  ProxyAutoConfigURLString : http://wpad/wpad.dat\n}";
    check(&scutil(script), (None, None, "", true));
    check(&scutil("<dictionary> {\n}"), (None, None, "", false));
}

#[test]
fn windows_is_read() {
    let read = |proxies| windows(proxies, "*.local;<local>", false, Source::Windows);
    check(&read("p:8080"), (Some("p:8080"), Some("p:8080"), "*.local;<local>", false));
    check(&read("http=p:80;https=q:81;ftp=r:82"), (Some("q:81"), Some("p:80"), "*.local;<local>", false));
    check(&read("socks=s:1080"), (None, None, "*.local;<local>", false));
    check(&read(""), (None, None, "*.local;<local>", false));
}
