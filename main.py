"""Open VISOLO Review: python main.py [VIDEO | FOLDER | DATASET.json | RESULTS.json | PROJECT.visolo]."""

if __name__ == "__main__":
    from app.application import main

    raise SystemExit(main())
