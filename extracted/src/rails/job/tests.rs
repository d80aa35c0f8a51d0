//! Jobs against what Sidekiq, Active Job and Action Mailer sent (`tests/vectors/jobs.json`).

use rand::{SeedableRng as _, rngs::StdRng};
use time::{Duration, macros::datetime};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-24 10:16:27.695_312 UTC);

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/jobs.json")).unwrap()
}

/// Makes a job as of [`NOW`].
fn made<T>(make: impl FnOnce(&mut Stamp<'_, StdRng>) -> T) -> T {
    let mut random = StdRng::seed_from_u64(1);
    make(&mut Stamp { sidekiq: Sidekiq::UpTo7, now: NOW, random: &mut random })
}

/// The commands, with the ids that the vectors have.
fn sent(namespace: &Namespace, job: &Job) -> Value {
    let mut item: Value = serde_json::from_str(&job.payload).unwrap();
    let jid = item["jid"].take().as_str().unwrap().to_owned();
    assert!(jid.len() == 24 && jid.bytes().all(|it| it.is_ascii_hexdigit()), "{jid}");
    let mut payload = job.payload.replace(&jid, &"0".repeat(24));
    if let Some(id) = item["args"][0]["job_id"].as_str() {
        assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 4);
        payload = payload.replace(id, "00000000-0000-4000-8000-000000000000");
    }
    let job = Job { payload, ..job.clone() };
    let mut commands = job.commands(namespace);
    for command in &mut commands {
        command[0].make_ascii_lowercase();
    }
    json!(commands)
}

#[test]
fn a_workers_job_is_what_sidekiq_sends() {
    let plain = Worker::new("OrderConfirmationWorker");
    let picky = Worker { queue: "low", retry: Retry::Times(5), ..Worker::new("PickyWorker") };
    let stubborn = Worker { retry: Retry::Always(false), ..Worker::new("StubbornWorker") };
    let now = |worker: Worker, arguments: Value| {
        made(|it| worker.perform_async(arguments.as_array().unwrap(), it)).unwrap()
    };
    let at = |at| made(|it| plain.perform_at(at, &[json!(42)], it)).unwrap();
    let all = json!([null, true, 1.5, 1e16, "a<b>&\u{2028}é\"\\\n\u{1}\u{7f}/", [1, {"b": 2}]]);
    let vectors = vectors();
    for (name, job) in [
        ("plain", now(plain, json!([42]))),
        ("arguments", now(plain, all)),
        ("none", now(plain, json!([]))),
        ("options", now(picky, json!([1]))),
        ("no retry", now(stubborn, json!([1]))),
        ("in a minute", at(NOW + Duration::MINUTE)),
        ("at a time", at(OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap())),
        ("in the past", at(OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap())),
    ] {
        assert_eq!(sent(&Namespace::default(), &job), vectors["sidekiq"][name], "{name}");
    }
}

fn returned() -> Argument {
    Argument::record("shop", "Shop::Return", 7)
}

#[test]
fn an_active_job_is_what_its_adapter_sends() {
    let plain = ActiveJob::new("ReturnNotificationJob");
    let low = ActiveJob { queue: "low", priority: Some(7), ..ActiveJob::new("LowJob") };
    let keywords = Argument::Keywords(vec![("note", Argument::Text("x".into()))]);
    let vectors = vectors();
    for (name, job) in [
        ("plain", made(|it| plain.perform_later(&[returned()], it))),
        ("options", made(|it| low.perform_later(&[returned()], it))),
        ("in a minute", made(|it| plain.perform_at(NOW + Duration::MINUTE, &[returned()], it))),
        ("keywords", made(|it| plain.perform_later(&[Argument::Integer(1), keywords], it))),
    ] {
        let job = job.unwrap();
        assert_eq!(sent(&Namespace::default(), &job), vectors["active_job"][name], "{name}");
    }
}

#[test]
fn a_mail_is_what_action_mailer_sends() {
    let mailer = Mailer::new("WelcomeMailer");
    let before_6_1 = Mailer { queue: "mailers", ..mailer };
    let before_6_0 = Mailer { delivery: DeliveryJob::Delivery, ..before_6_1 };
    let text = Argument::Text("x".into());
    let keywords = Argument::Keywords(vec![("note", text.clone())]);
    let params = [("returned", returned()), ("note", text.clone())];
    let one = [Argument::Integer(1)];
    let of_return = |it: Mailer| it.mail("welcome", [returned()]);
    let and_text = |it: Mailer| it.mail("welcome", [returned(), text.clone()]);
    let later = |mail: Mail| made(|it| mail.deliver_later(it));
    let vectors = vectors();
    for (name, job) in [
        ("plain", later(and_text(mailer))),
        ("nothing", later(mailer.mail("welcome", []))),
        ("keywords", later(mailer.mail("welcome", [Argument::Integer(1), keywords]))),
        ("params", later(mailer.mail("welcome", one.clone()).with(params))),
        ("in a minute", made(|it| of_return(mailer).deliver_at(NOW + Duration::MINUTE, it))),
        ("6.0", later(of_return(before_6_1))),
        ("5.2", later(and_text(before_6_0))),
        (
            "5.2 with params",
            later(before_6_0.mail("welcome", one).with([("returned", returned())])),
        ),
    ] {
        let job = job.unwrap();
        assert_eq!(sent(&Namespace::default(), &job), vectors["action_mailer"][name], "{name}");
    }
}

#[test]
fn arguments_are_serialized_as_active_job_does() {
    use Argument::{Array, Hash, IndifferentHash, Integer, Text};
    let text = |it: &str| Text(it.to_owned());
    let symbol = |it: &str| Key::Symbol(it.to_owned());
    let key = |it: &str| Key::Text(it.to_owned());
    let time = datetime!(2026-01-02 03:04:05.678_901 UTC);
    let vectors = vectors();
    for (name, arguments) in [
        ("record", vec![returned()]),
        (
            "record with a text for an id",
            vec![Argument::Record(GlobalId::new("shop", "Shop::Return", "a b/c"))],
        ),
        (
            "plain",
            vec![
                Argument::Nil,
                Argument::Bool(true),
                Argument::Bool(false),
                Integer(1),
                Argument::Float(-2.5),
                Argument::Float(1e20),
                Argument::Float(0.1),
                text("a<b>&\u{2028}\"\\\n\u{1}\u{7f}/"),
            ],
        ),
        ("array", vec![Array(vec![Integer(1), Array(vec![returned()])])]),
        (
            "hash",
            vec![Hash(vec![
                (key("a"), Integer(1)),
                (key("b"), Hash(vec![(key("c"), returned())])),
            ])],
        ),
        (
            "symbols",
            vec![Hash(vec![
                (symbol("note"), text("aj")),
                (key("text"), Integer(1)),
                (symbol("other"), Hash(vec![(symbol("x"), Integer(1))])),
            ])],
        ),
        ("indifferent", vec![IndifferentHash(vec![("a".into(), Integer(1))])]),
        ("symbol", vec![Argument::Symbol("a".into())]),
        ("time", vec![Argument::Time(time)]),
        ("time elsewhere", vec![Argument::Time(time.to_offset(time::macros::offset!(+2)))]),
        ("time with zone", vec![Argument::TimeWithZone(time)]),
        ("date", vec![Argument::Date(time.date())]),
        (
            "duration",
            vec![
                Argument::Duration(300, vec![("minutes", 5)]),
                Argument::Duration(93_600, vec![("days", 1), ("hours", 2)]),
            ],
        ),
        ("module", vec![Argument::Module("Shop".into())]),
        ("decimal", vec![text("19.9")]),
    ] {
        let serialized: Vec<_> = arguments.iter().map(|it| it.serialized().unwrap()).collect();
        assert_eq!(json::generate(&serialized).unwrap(), vectors["arguments"][name], "{name}");
    }
}

#[test]
fn what_active_job_would_refuse_is_refused() {
    let hash = Argument::Hash(vec![(Key::Symbol("_aj_serialized".into()), Argument::Nil)]);
    let error = made(|it| ActiveJob::new("Job").perform_later(&[hash], it)).unwrap_err();
    assert!(matches!(error, JobError::ReservedKey(_)), "{error}");
    assert!(matches!(Argument::Float(f64::NAN).serialized(), Err(JobError::NotFinite)));
}

#[test]
fn sidekiq_8_has_milliseconds_and_a_wrapper_of_its_own() {
    let mut random = StdRng::seed_from_u64(1);
    let mut stamp = Stamp { sidekiq: Sidekiq::From8, now: NOW, random: &mut random };
    let job = ActiveJob::new("Job").perform_later(&[], &mut stamp).unwrap();
    let item: Value = serde_json::from_str(&job.payload).unwrap();
    assert_eq!(item["created_at"], 1_795_515_387_695_i64);
    assert_eq!(item["enqueued_at"], item["created_at"]);
    assert_eq!(item["class"], "Sidekiq::ActiveJob::Wrapper");
}

#[test]
fn a_namespace_stands_before_every_key() {
    let namespace = Namespace::new(Some("shop"));
    let worker = Worker::new("A");
    let job = made(|it| worker.perform_async(&[], it)).unwrap();
    let commands = sent(&namespace, &job);
    assert_eq!((&commands[0][1], &commands[0][2]), (&json!("shop:queues"), &json!("default")));
    assert_eq!(commands[1][1], "shop:queue:default");
    let job = made(|it| worker.perform_at(NOW + Duration::HOUR, &[], it)).unwrap();
    assert_eq!(sent(&namespace, &job)[0][1], "shop:schedule");
}

#[test]
fn a_job_is_kept_as_it_is() {
    let at = NOW + Duration::nanoseconds(1);
    for job in [
        made(|it| Worker::new("A").perform_async(&[json!("é")], it)).unwrap(),
        made(|it| Worker::new("A").perform_at(at, &[], it)).unwrap(),
    ] {
        let kept = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&kept).unwrap(), job, "{kept}");
    }
}

#[test]
fn no_two_jobs_have_one_id() {
    let mut random = StdRng::seed_from_u64(1);
    let mut stamp = Stamp { sidekiq: Sidekiq::UpTo7, now: NOW, random: &mut random };
    let mut id = || {
        let job = Worker::new("A").perform_async(&[], &mut stamp).unwrap();
        serde_json::from_str::<Value>(&job.payload).unwrap()["jid"].take()
    };
    assert_ne!(id(), id());
}
