// The value of a section has to implement `Serialize`, because the library shows it as JSON.
use healthcheck::env_section;

struct Application;

#[env_section]
fn application() -> Application {
    Application
}

#[env_section]
async fn database() -> Result<Application, String> {
    Ok(Application)
}

fn main() {}
