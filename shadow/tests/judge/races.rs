//! What changes between two answers is neither side's fault, and a fault is not taken for that.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use shadow::{Around, Leg, Question, Recheck, RouteReport, Settings, Subject, Unknown};

use super::bench::*;

/// What the two sides say, and the monolith when it is asked once more.
struct Answers {
    control: &'static str,
    candidate: &'static str,
    again: Option<&'static str>,
    recheck: Result<&'static str, Unknown>,
    /// The monolith, the candidate and the monolith after that.
    around: [&'static str; 3],
}

/// A judge, and how often a side was asked once more.
struct Races {
    judged: Bench,
    asked: Arc<AtomicU64>,
}

impl Races {
    async fn new() -> Self {
        Self { judged: Bench::new(Settings::default()).await, asked: Arc::default() }
    }

    fn offer(&self, answers: &Answers) {
        let around = answers.around.map(|it| self.question(Ok(it)));
        self.offer_with(answers, |question| {
            let [before, candidate, after] = around;
            Recheck::Control(question, Box::new(|| Around { before, candidate, after }))
        });
    }

    fn question(&self, answer: Result<&'static str, Unknown>) -> Question {
        let asked = Arc::clone(&self.asked);
        Box::pin(async move {
            asked.fetch_add(1, Ordering::Relaxed);
            answer.map(observation)
        })
    }

    fn offer_with(&self, answers: &Answers, side: impl FnOnce(Question) -> Recheck) {
        let Answers { control, candidate, again, recheck, .. } = *answers;
        let mut experiment = experiment(json(control), json(candidate));
        experiment.again = again.map(json);
        // Where it is never asked twice, a difference of the monolith from itself is a race.
        let mut subject = Subject::clone(&experiment.subject);
        subject.noise = again.is_some();
        experiment.subject = Arc::new(subject);
        experiment.recheck = Some(side(self.question(recheck)));
        self.judged.judge.offer(experiment);
    }

    async fn report(&self) -> RouteReport {
        self.judged.drain().await;
        self.judged.report().await
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// What one request with these answers counts as: matched, mismatched, raced.
async fn counted(answers: &Answers) -> (u64, u64, u64) {
    let bench = Races::new().await;
    bench.offer(answers);
    let report = bench.report().await;
    let raced = report.unknowns.get(&Unknown::Raced).copied().unwrap_or_default();
    assert_eq!(report.unknowns.values().sum::<u64>(), raced, "{:?}", report.unknowns);
    if raced > 0 {
        assert!(bench.judged.store.reports().differences(ROUTE).await.unwrap().is_empty());
    }
    (report.matched, report.mismatched, raced)
}

const SALE: Answers = Answers {
    control: r#"{"price":1,"stock":3}"#,
    candidate: r#"{"price":1,"stock":2}"#,
    again: None,
    recheck: Ok(r#"{"price":1,"stock":2}"#),
    around: [""; 3],
};

/// What holds still: as if nobody bought any more.
const STILL: [&str; 3] = [r#"{"price":1,"stock":1}"#; 3];

/// Two sales, one on either side of the candidate's answer.
const TWO_SALES: Answers = Answers { recheck: Ok(STILL[0]), around: STILL, ..SALE };

#[tokio::test]
async fn a_sale_between_the_two_answers_is_neither_a_match_nor_a_mismatch() {
    assert_eq!(counted(&SALE).await, (0, 0, 1));
    // The answer that tells what the monolith does to itself came before the sale.
    assert_eq!(counted(&Answers { again: Some(SALE.control), ..SALE }).await, (0, 0, 1));
}

#[tokio::test]
async fn what_raced_is_kept_to_be_looked_at_without_what_a_buyer_entered() {
    let bench = Races::new().await;
    bench.offer(&Answers {
        control: r#"{"name":"Jane","stock":3,"sold":7}"#,
        candidate: r#"{"name":"Jane","stock":2,"sold":8}"#,
        recheck: Ok(r#"{"name":"Jane","stock":2,"sold":8}"#),
        ..SALE
    });
    bench.report().await;
    let samples = bench.judged.store.reports().races(ROUTE).await.unwrap();
    let [sample] = &*samples else { panic!("{samples:?}") };
    assert_eq!((&*sample.path, sample.omitted), ("$.stock", 1), "and one more place");
    assert_eq!(sample.stratum, "2xx signed-out application/json");
    let shown = format!("{sample:?}");
    assert!(shown.contains("‹number of 1–8 #") && !shown.contains("Jane"), "{shown}");
    let values = [&sample.control, &sample.candidate].map(|it| it.value.clone().unwrap());
    assert_ne!(values[0], values[1]);
}

/// Offers one request after the other, as they would come.
async fn in_turn<'a>(answers: impl Iterator<Item = &'a Answers>) -> RouteReport {
    let bench = Races::new().await;
    for (offered, answers) in (1..).zip(answers) {
        bench.offer(answers);
        bench.judged.until("it was judged", |it| it.judged() == offered).await;
    }
    bench.report().await
}

/// Asked twice, and a sale was before both other answers.
const SEEN: Answers = Answers { again: Some(SALE.candidate), ..SALE };

/// Sales fall where chance has it: if the monolith's second answer came before each of so many, that
/// is nothing that the extraction does. A fault at that place is.
#[tokio::test]
async fn a_series_of_sales_that_only_the_extraction_has_seen_is_noise_and_a_fault_is_not() {
    let alone = Answers { again: Some(SALE.control), ..SALE };
    let wrong = Answers { recheck: Ok(SALE.control), ..alone };
    // Of ten pairs the monolith is asked a third time at once, and then of one for ten requests.
    for (answers, noise, mismatched) in [(&alone, 15, 0), (&wrong, 7, 8)] {
        let report = in_turn([&SEEN; 3].into_iter().chain([answers; 12])).await;
        assert_eq!((report.noise, report.mismatched), (noise, mismatched), "{report:?}");
        assert!(report.unknowns.is_empty(), "{:?}", report.unknowns);
    }
}

/// It was turned away, says something else altogether, or nothing.
#[tokio::test]
async fn a_third_answer_that_is_no_answer_takes_nothing_back() {
    for recheck in [
        Ok(r#"{"error":"slow down"}"#),
        Ok(r#"{"price":1,"stock":null}"#),
        Ok("slow down"),
        Err(Unknown::ControlFailed),
    ] {
        let wrong = Answers { again: Some(SALE.control), recheck, ..SALE };
        let report = in_turn([&SEEN; 3].into_iter().chain([&wrong; 8])).await;
        assert_eq!((report.noise, report.mismatched), (7, 4), "{recheck:?}: {report:?}");
    }
}

/// A difference that is not listed is not one that is not there.
#[tokio::test]
async fn a_third_answer_that_differs_in_too_much_to_be_listed_takes_nothing_back() {
    let leaked = |text: String| -> &'static str { text.leak() };
    let many =
        |value| (0..150).map(|it| format!("\"m{it}\":{value}")).collect::<Vec<_>>().join(",");
    let control = leaked(format!("{{\"stock\":3,{}}}", many(1)));
    let wide = Answers {
        control,
        candidate: leaked(format!("{{\"stock\":9,{}}}", many(2))),
        again: Some(control),
        // It has the stock last, behind a hundred and fifty others.
        recheck: Ok(leaked(format!("{{{},\"stock\":2}}", many(1)))),
        ..SALE
    };
    let last = Answers { recheck: Ok(SALE.control), ..SEEN };
    let answers = [&SEEN; 3].into_iter().chain([&wide; 5]).chain([&last]);
    let report = in_turn(answers).await;
    assert_eq!((report.noise, report.mismatched), (3, 6), "{report:?}");
}

/// In stage `extracted` the extraction came first: what it says by now tells whether it had come
/// before a sale.
#[tokio::test]
async fn sales_before_the_monoliths_answers_are_nothing_to_who_answered_before_them() {
    for (recheck, noise, mismatched) in [(SALE.control, 15, 0), (SALE.candidate, 7, 8)] {
        let bench = Races::new().await;
        let alone = Answers { again: Some(SALE.control), recheck: Ok(recheck), ..SALE };
        for (offered, answers) in (1..).zip([&SEEN; 3].into_iter().chain([&alone; 12])) {
            bench.offer_with(answers, Recheck::Candidate);
            bench.judged.until("it was judged", |it| it.judged() == offered).await;
        }
        let report = bench.report().await;
        assert_eq!((report.noise, report.mismatched), (noise, mismatched), "{report:?}");
    }
}

/// Of a route that is asked twice now and then, the first differences are not held against it if the
/// monolith, asked again about them, differs from itself there.
#[tokio::test]
async fn a_field_that_is_another_one_each_time_is_noise_from_the_first_request_on() {
    let bench = Races::new().await;
    for (offered, nonces) in (1..).zip([["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]]) {
        let [control, candidate, further] =
            nonces.map(|it| json(format!("{{\"price\":1,\"nonce\":\"{it}\"}}")));
        let mut experiment = experiment(control, candidate);
        let Leg::Answered(further) = further else { unreachable!() };
        let question = Box::pin(async move { Ok(further) });
        experiment.recheck = Some(Recheck::Control(question, Box::new(|| unreachable!())));
        bench.judged.judge.offer(experiment);
        bench.judged.until("it was judged", |it| it.judged() == offered).await;
    }
    let report = bench.report().await;
    assert_eq!((report.noise, report.mismatched), (3, 0), "{report:?}");
}

/// The extraction answers the buyer, and the monolith is asked afterwards.
#[tokio::test]
async fn the_side_that_was_first_is_asked_again() {
    let (before, after) = (SALE.control, SALE.candidate);
    for (recheck, raced) in [(after, 1), (before, 0)] {
        let bench = Races::new().await;
        let answers = Answers { control: after, candidate: before, recheck: Ok(recheck), ..SALE };
        bench.offer_with(&answers, Recheck::Candidate);
        let report = bench.report().await;
        assert_eq!(report.mismatched, 1 - raced, "{report:?}");
        assert_eq!(report.unknowns.get(&Unknown::Raced).copied().unwrap_or_default(), raced);
    }
}

/// If the monolith were asked twice at the same time, its two answers would see no sale between them,
/// and the extraction's, which came before both, would see all.
#[tokio::test]
async fn the_monolith_is_asked_for_its_second_answer_when_it_has_given_the_first() {
    let bench = Bench::new(Settings::default()).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ask = |number| {
        let heard = Arc::clone(&heard);
        Leg::Ask(Box::pin(async move {
            heard.lock().unwrap().push((number, "asked"));
            tokio::task::yield_now().await;
            heard.lock().unwrap().push((number, "answered"));
            Ok(observation(SALE.control))
        }))
    };
    let mut experiment = experiment(ask(1), json(SALE.control));
    experiment.again = Some(ask(2));
    bench.judge.offer(experiment);
    bench.drain().await;
    let expected = [(1, "asked"), (1, "answered"), (2, "asked"), (2, "answered")];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_fault_stays_one_whatever_else_has_changed() {
    let wrong = r#"{"price":2,"stock":2}"#;
    for (what, answers) in [
        ("nothing has changed", Answers { recheck: Ok(SALE.control), ..SALE }),
        ("a sale, and a wrong price", Answers { candidate: wrong, ..SALE }),
        ("a member is missing", Answers { candidate: r#"{"stock":2}"#, ..SALE }),
        ("no second answer", Answers { recheck: Err(Unknown::ControlFailed), ..SALE }),
        ("one that cannot be read", Answers { recheck: Ok("{"), ..SALE }),
    ] {
        assert_eq!(counted(&answers).await, (0, 1, 0), "{what}");
    }
}

#[tokio::test]
async fn two_sales_around_the_candidates_answer_are_no_fault_of_its() {
    assert_eq!(counted(&TWO_SALES).await, (0, 0, 1));
    let times = Answers {
        control: r#"{"sold_at":"2026-11-29T12:00:00.100Z"}"#,
        candidate: r#"{"sold_at":"2026-11-29T12:00:00.900Z"}"#,
        recheck: Ok(r#"{"sold_at":"2026-11-29T12:00:01.000Z"}"#),
        around: [r#"{"sold_at":"2026-11-29T12:00:01.000Z"}"#; 3],
        ..SALE
    };
    assert_eq!(counted(&times).await, (0, 0, 1));
}

#[tokio::test]
async fn two_sales_hide_no_fault() {
    let [after, ..] = STILL;
    for (what, answers) in [
        ("also a wrong price", Answers { candidate: r#"{"price":2,"stock":2}"#, ..TWO_SALES }),
        (
            "more than there ever was",
            Answers { candidate: r#"{"price":1,"stock":4}"#, ..TWO_SALES },
        ),
        (
            "less than there ever was",
            Answers { candidate: r#"{"price":1,"stock":0}"#, ..TWO_SALES },
        ),
        ("another type", Answers { candidate: r#"{"price":1,"stock":"2"}"#, ..TWO_SALES }),
        ("a member is missing", Answers { candidate: r#"{"price":1}"#, ..TWO_SALES }),
        ("wrong again", Answers { around: [after, SALE.candidate, after], ..TWO_SALES }),
        ("never still", Answers { around: [SALE.candidate, after, after], ..TWO_SALES }),
        ("never still either", Answers { around: [after, after, SALE.candidate], ..TWO_SALES }),
        ("not to be read", Answers { around: [after, "{", after], ..TWO_SALES }),
    ] {
        assert_eq!(counted(&answers).await, (0, 1, 0), "{what}");
    }
}

/// One that is wrong at random is seen where nothing has changed, whatever it says when asked again.
#[tokio::test]
async fn a_candidate_that_is_wrong_at_random_is_not_taken_for_two_sales() {
    let right = [SALE.control; 3];
    let answers = Answers { recheck: Ok(SALE.control), around: right, ..SALE };
    assert_eq!(counted(&answers).await, (0, 1, 0));
}

#[tokio::test]
async fn both_sides_are_not_asked_again_about_everything_that_changes() {
    let bench = Races::new().await;
    for _ in 0..500 {
        bench.offer(&Answers { around: [SALE.control, SALE.candidate, STILL[0]], ..TWO_SALES });
    }
    assert_eq!(bench.report().await.mismatched, 500);
    // Twenty questions to the monolith, and a tenth; the candidate's come on top.
    assert!((60..=90).contains(&bench.asked()), "{}", bench.asked());
}

#[tokio::test]
async fn a_field_that_is_another_one_each_time_hides_no_fault() {
    let random = Answers {
        control: r#"{"price":1,"nonce":"a"}"#,
        candidate: r#"{"price":2,"nonce":"b"}"#,
        again: None,
        recheck: Ok(r#"{"price":1,"nonce":"c"}"#),
        around: [
            r#"{"price":1,"nonce":"d"}"#,
            r#"{"price":1,"nonce":"e"}"#,
            r#"{"price":1,"nonce":"f"}"#,
        ],
    };
    assert_eq!(counted(&random).await, (0, 1, 0));
    let also_right = Answers { candidate: r#"{"price":1,"nonce":"b"}"#, ..random };
    assert_eq!(counted(&also_right).await, (0, 1, 0), "that is what `noise` is for");
}

#[tokio::test]
async fn the_monolith_is_asked_again_only_where_something_differs() {
    let bench = Races::new().await;
    for _ in 0..10 {
        bench.offer(&Answers { candidate: SALE.control, ..SALE });
    }
    assert_eq!((bench.report().await.matched, bench.asked()), (10, 0));
}

#[tokio::test]
async fn a_candidate_that_is_always_wrong_does_not_have_the_monolith_asked_each_time() {
    let bench = Races::new().await;
    for _ in 0..500 {
        bench.offer(&Answers { recheck: Ok(SALE.control), ..SALE });
    }
    let report = bench.report().await;
    assert_eq!((report.mismatched, &report.unknowns), (500, &BTreeMap::new()));
    assert!((50..=70).contains(&bench.asked()), "twenty, and a tenth: {}", bench.asked());
}
