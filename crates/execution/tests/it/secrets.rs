//! References to secrets: what is fetched, what is refused, and that nothing leaks.

use std::os::unix::fs::PermissionsExt;

use alphec_execution::config::SecretRef;
use secrecy::ExposeSecret;

const CANARY: &str = "CANARY-7f3a";

fn refusal(reference: &str) -> String {
    let reference: SecretRef = reference.parse().unwrap();
    let error = reference.resolve().unwrap_err();
    assert!(!format!("{error} {error:?} {reference} {reference:?}").contains(CANARY), "{error}");
    error.to_string()
}

fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let reference = format!("file:{}", path.display());
    (folder, reference)
}

fn resolve(reference: &str) -> String {
    let secret = reference.parse::<SecretRef>().unwrap().resolve().unwrap();
    assert!(!format!("{secret:?}").contains(CANARY));
    secret.expose_secret().to_owned()
}

#[test]
fn a_variable_a_private_file_and_a_program_give_secrets() {
    // Set by cargo for every test, and the same as at build time.
    assert_eq!(resolve("env:CARGO_PKG_NAME"), "alphec-execution");
    let (_folder, reference) = file(format!("{CANARY}\n").as_bytes(), 0o600);
    assert_eq!(resolve(&reference), CANARY, "one newline at the end does not count");
    assert_eq!(resolve(&format!("exec:echo {CANARY} two")), format!("{CANARY} two"));
    assert_eq!(resolve("exec:echo $HOME;x"), "$HOME;x", "no shell reads it");
}

#[test]
fn a_file_that_others_may_read_is_refused_with_the_remedy() {
    for mode in [0o640, 0o604, 0o660, 0o644] {
        let (_folder, reference) = file(CANARY.as_bytes(), mode);
        let path = reference.strip_prefix("file:").unwrap();
        let expected = format!(
            "cannot get the secret {reference}: others than its owner may use the file (mode {mode:o}); \
             run: chmod 600 {path}"
        );
        assert_eq!(refusal(&reference), expected);
    }
}

#[test]
fn what_cannot_be_had_is_refused_without_repeating_it() {
    let expected = "cannot get the secret env:ALPHEC_NO_SUCH: the variable is not set; export it first";
    assert_eq!(refusal("env:ALPHEC_NO_SUCH"), expected);
    assert!(refusal("file:/nowhere/at/all").contains("No such file"));
    assert!(refusal("file:/").contains("not a regular file"));
    assert!(refusal("exec:alphec-no-such-program x").contains("did not start"));
    assert!(refusal("exec:false").contains("the program failed"));
    assert!(refusal("exec:true").ends_with("it is empty"));
    let (_folder, reference) = file(&[b'C', 0xff, b'Y'], 0o600);
    assert!(refusal(&reference).ends_with("it is not UTF-8 text"));
    let (_folder, reference) = file(&vec![b'x'; 70_000], 0o600);
    assert!(refusal(&reference).ends_with("it is longer than 64 KiB"));
    assert!(refusal("keyring:alphec-test-none/nobody").contains("exec:secret-tool lookup"));
}

#[test]
fn a_program_that_fails_after_printing_the_secret_does_not_leak_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("leaky");
    std::fs::write(&script, format!("#!/bin/sh\necho {CANARY}; echo {CANARY} >&2; exit 3\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let refused = refusal(&format!("exec:{}", script.display()));
    assert!(refused.contains("exit status: 3"), "{refused}");
}

#[test]
fn text_that_is_no_reference_is_refused_without_repeating_it() {
    for text in [
        CANARY,
        "https://x/CANARY-7f3a",
        "env:",
        "env:CANARY-7f3a",
        "file:",
        "exec:",
        "exec:  ",
        "keyring:CANARY-7f3a",
        "Env:A",
    ] {
        let error = text.parse::<SecretRef>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
        assert!(error.to_string().starts_with("a secret is written here only as a reference"), "{error}");
    }
}

#[test]
fn a_reference_is_shown_as_it_was_written() {
    for text in ["env:A_B1", "file:/a/b c", "exec:pass show x", "keyring:service/user/more"] {
        let reference: SecretRef = text.parse().unwrap();
        assert_eq!(reference.to_string(), text);
        assert_eq!(format!("{reference:?}"), format!("SecretRef({text})"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernels_keyring_gives_a_secret() {
    use keyring_core::api::CredentialStoreApi;
    let user = format!("test-{}", std::process::id());
    let store = linux_keyutils_keyring_store::Store::new().unwrap();
    let entry = store.build("alphec-execution", &user, None).unwrap();
    if entry.set_password(CANARY).is_err() {
        println!("not run: this system lets nobody use the keyring");
        return;
    }
    assert_eq!(resolve(&format!("keyring:alphec-execution/{user}")), CANARY);
    entry.delete_credential().unwrap();
}
